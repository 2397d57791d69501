import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject, setKey } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { childSet, type FieldSet, hasMember, isEmptySet } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { isNamedField, memberSchema, shapeOf } from './shape.ts';

/** An object without the fields and items of a set. What loses all that it had becomes null. */
export function removeFields(object: JsonObject, fields: FieldSet, schema: Schema | undefined): JsonObject {
  const rest = isEmptySet(fields) ? object : remove(object, fields, schema);
  return isJsonObject(rest) ? rest : {};
}

function remove(value: JsonValue, fields: FieldSet, schema: Schema | undefined): JsonValue {
  const shape = shapeOf(schema, value);
  if (shape === 'map' && isJsonObject(value)) return removeMembers(value, fields, schema);
  if (shape === 'list' && Array.isArray(value) && schema) return removeItems(value, fields, schema);
  // Below a leaf there is nothing to remove; of an atomic value nothing can stay.
  return typeof value === 'object' ? null : value;
}

function removeMembers(map: JsonObject, fields: FieldSet, schema: Schema | undefined): JsonValue {
  const result: JsonObject = {};
  for (const name of Object.keys(map)) {
    const element = fieldElement(name);
    if (hasMember(fields, element)) continue;
    const below = childSet(fields, element);
    const value = map[name] ?? null;
    setKey(result, name, isEmptySet(below) ? value : remove(value, below, memberSchema(schema, name)));
  }
  return Object.keys(result).length > 0 ? result : null;
}

function removeItems(list: JsonValue[], fields: FieldSet, schema: Schema): JsonValue {
  const result: JsonValue[] = [];
  for (const item of list) {
    const element = itemElement(item, schema);
    if (hasMember(fields, element)) continue;
    const below = childSet(fields, element);
    result.push(isEmptySet(below) ? item : remove(item, below, schema.items ?? {}));
  }
  return result.length > 0 ? result : null;
}

/** A set to which every field that the schema names and that has members below it is added. */
export function withNamedParents(set: FieldSet, schema: Schema | undefined): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const element of Object.keys(set)) {
    const node = set[element] ?? {};
    if (element === '.' || isEmptySet(node)) {
      result[element] = node;
      continue;
    }
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const isList = element.startsWith('k:');
    const below = name === undefined ? (isList ? schema?.items : undefined) : memberSchema(schema, name);
    const child = withNamedParents(node, below);
    const named = name !== undefined && isNamedField(schema, name);
    result[element] = named ? { '.': {}, ...child } : child;
  }
  return result;
}

import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { type FieldSet, isEmptySet, memberWith } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { isEmptyValue, isNamedField, memberSchema, shapeOf } from './shape.ts';

/** Every leaf field and item that an object mentions: what an apply request claims. */
export function toFieldSet(object: JsonObject, schema: Schema | undefined): FieldSet {
  return visit(object, schema).below;
}

interface Visited {
  /** The value itself is claimed, and not only what is in it. */
  isMember: boolean;
  below: Record<string, FieldSet>;
}

function visit(value: JsonValue, schema: Schema | undefined): Visited {
  const below: Record<string, FieldSet> = {};
  const shape = shapeOf(schema, value);
  if (shape === 'map' && isJsonObject(value)) visitMembers(below, value, schema);
  else if (shape === 'list' && Array.isArray(value) && schema) visitItems(below, value, schema);
  return { isMember: shape === 'leaf', below };
}

function visitMembers(into: Record<string, FieldSet>, map: JsonObject, schema: Schema | undefined): void {
  for (const name of Object.keys(map)) {
    const value = map[name] ?? null;
    const { isMember, below } = visit(value, memberSchema(schema, name));
    const isEmptyMap = value === null || (isJsonObject(value) && isEmptyValue(value));
    if (isMember || isEmptyMap || !isNamedField(schema, name)) into[fieldElement(name)] = memberWith(below);
    else if (!isEmptySet(below)) into[fieldElement(name)] = below;
  }
}

function visitItems(into: Record<string, FieldSet>, list: JsonValue[], schema: Schema): void {
  const seen = new Map<string, number>();
  const elements = list.map((item) => itemElement(item, schema));
  for (const element of elements) seen.set(element, (seen.get(element) ?? 0) + 1);
  for (const [index, element] of elements.entries()) {
    // Items that have their keys in common are owned as one.
    const isAlone = seen.get(element) === 1;
    into[element] = memberWith(isAlone ? visit(list[index] ?? null, schema.items ?? {}).below : {});
  }
}

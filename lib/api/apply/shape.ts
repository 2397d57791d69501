import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';

/**
 * How a value is owned: `leaf` as one (scalars, atomic lists and maps), `map` field by field, `list` item by item.
 * Where nothing is known of a value, maps are owned field by field and lists as one.
 */
export type Shape = 'leaf' | 'map' | 'list';

export function shapeOf(schema: Schema | undefined, ...values: (JsonValue | undefined)[]): Shape {
  if (!schema || (schema.preserveUnknownFields && !schema.properties)) {
    const known = values.filter((value) => value !== undefined && value !== null);
    return known.length > 0 && known.every(isJsonObject) ? 'map' : 'leaf';
  }
  if (schema.type === 'array')
    return schema.listType === 'map' || schema.listType === 'set' ? 'list' : 'leaf';
  if (schema.type !== 'object' && !schema.properties && !schema.additionalProperties) return 'leaf';
  return schema.mapType === 'atomic' ? 'leaf' : 'map';
}

/** The schema of a member of a map. */
export function memberSchema(schema: Schema | undefined, name: string): Schema | undefined {
  const properties = schema?.properties;
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return schema?.additionalProperties;
}

/** Whether a member is a field that the schema names, and not the key of a map. */
export function isNamedField(schema: Schema | undefined, name: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
}

const empty: JsonObject = {};

/**
 * A member as the API's own types have it: what is always there (structs that are no pointers, lists that are always
 * written) is there though JSON may leave it out, so that nobody comes to own the field itself.
 */
export function memberOf(map: JsonObject, name: string, schema: Schema | undefined): JsonValue | undefined {
  const value = Object.hasOwn(map, name) ? map[name] : undefined;
  if (value !== undefined || !schema?.always?.includes(name)) return value;
  const shape = shapeOf(memberSchema(schema, name));
  return shape === 'map' ? empty : shape === 'list' ? null : undefined;
}

export function isEmptyValue(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value)
    ? value.length === 0
    : typeof value === 'object' && Object.keys(value).length === 0;
}

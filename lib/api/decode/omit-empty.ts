import type { JsonObject, JsonValue } from '../object.ts';
import type { Schema } from '../schema.ts';

/**
 * Takes out the empty lists and maps of an object's fields, which the API does not write out (`omitempty`) and cannot
 * keep in protobuf. Structs stay, empty or not (`emptyDir: {}`), as do fields that are always written, and whatever the
 * values of maps and the items of lists are.
 *
 * Not for reading what a client sent: there an empty list may say something else than none does, until defaults are in.
 * `object` is changed. Members that are the very ones of `settled` have been gone through before.
 */
export function omitEmpty(object: JsonObject, schema: Schema, settled?: JsonObject): void {
  const { properties } = schema;
  if (!properties) return;
  for (const key of Object.keys(object)) {
    const property = properties[key];
    const value = object[key];
    if (!property || value === null || typeof value !== 'object' || value === settled?.[key]) continue;
    if (isEmpty(value, property) && !isWritten(key, schema)) delete object[key];
    else within(value, property);
  }
}

function within(value: JsonValue, schema: Schema): void {
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items && holdsFields(items)) for (const item of value) within(item, items);
    return;
  }
  if (schema.properties) return omitEmpty(value, schema);
  const { additionalProperties } = schema;
  if (!additionalProperties || !holdsFields(additionalProperties)) return;
  for (const inner of Object.values(value)) within(inner, additionalProperties);
}

/** Whether there can be anything to take out below. */
function holdsFields({ properties, items, additionalProperties }: Schema): boolean {
  return properties !== undefined || items !== undefined || additionalProperties !== undefined;
}

function isEmpty(value: JsonObject | JsonValue[], schema: Schema): boolean {
  if (Array.isArray(value)) return schema.type === 'array' && value.length === 0;
  return schema.additionalProperties !== undefined && !schema.properties && Object.keys(value).length === 0;
}

function isWritten(field: string, { always, required }: Schema): boolean {
  return (always?.includes(field) || required?.includes(field)) ?? false;
}

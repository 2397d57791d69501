import type { JsonObject, JsonValue } from '../object.ts';
import type { Schema } from '../schema.ts';
import { type Message, messageOf } from './message.ts';
import { asBytes, asNumber, asString, readFields, type WireField } from './wire.ts';

/** The object of a named definition that a message holds, as JSON has it. Unknown fields are skipped. Throws an Error. */
export function decodeMessage(bytes: Uint8Array, schema: Schema): JsonObject {
  const message = schema.name === undefined ? undefined : messageOf(schema.name);
  if (!message) throw new Error(`no protobuf form of ${schema.name ?? 'an anonymous type'}`);
  const result: JsonObject = {};
  readMessage(bytes, schema, message, result);
  return result;
}

function readMessage(bytes: Uint8Array, schema: Schema, message: Message, into: JsonObject): void {
  for (const field of readFields(bytes)) {
    const name = message.names.get(field.number);
    const memberSchema = name === undefined ? undefined : schema.properties?.[name];
    if (name !== undefined && memberSchema) readField(field, name, memberSchema, message, into);
    else {
      const inline = message.inlined.find(({ number }) => number === field.number);
      if (inline) readMessage(asBytes(field), schema, inline.message, into);
    }
  }
}

function readField(field: WireField, name: string, schema: Schema, message: Message, into: JsonObject): void {
  if (schema.type === 'array') {
    const list = (into[name] ??= []) as JsonValue[];
    const value = readValue(field, schema.items ?? {});
    if (value !== undefined) list.push(value);
    return;
  }
  if (schema.additionalProperties) {
    const map = (into[name] ??= {}) as JsonObject;
    readEntry(asBytes(field), schema.additionalProperties, map);
    return;
  }
  const value = readValue(field, schema);
  const facts = message.fields.get(name);
  const isZero = schema.type !== undefined && (value === '' || value === 0 || value === false);
  if (value === undefined || (isZero && !facts?.isPointer && !facts?.isAlwaysWritten)) return;
  into[name] = value;
}

function readEntry(bytes: Uint8Array, schema: Schema, map: JsonObject): void {
  let key = '';
  let value: JsonValue | undefined;
  for (const field of readFields(bytes)) {
    if (field.number === 1) key = asString(field);
    else if (field.number === 2)
      value = schema.type === 'array' ? readItems(field, schema) : readValue(field, schema);
  }
  Object.defineProperty(map, key, {
    value: value ?? emptyOf(schema),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function readItems(field: WireField, schema: Schema): JsonValue[] {
  const items: JsonValue[] = [];
  for (const item of readFields(asBytes(field))) {
    const value = readValue(item, schema.items ?? {});
    if (value !== undefined) items.push(value);
  }
  return items;
}

/** A value of a map that is not on the wire is the empty one of its type. */
function emptyOf({ type }: Schema): JsonValue {
  if (type === 'string') return '';
  if (type === 'boolean') return false;
  if (type === 'integer' || type === 'number') return 0;
  return type === 'array' ? [] : {};
}

/** Undefined for what JSON has as null: a time that was never set. */
function readValue(field: WireField, schema: Schema): JsonValue | undefined {
  const { type, format } = schema;
  if (format === 'byte') return Buffer.from(asBytes(field)).toString('base64');
  if (format === 'date-time') return readTime(asBytes(field), 0);
  if (format === 'micro-time') return readTime(asBytes(field), 6);
  if (format === 'quantity') return readText(asBytes(field), 1) || '0';
  if (format === 'int-or-string') return readIntOrString(asBytes(field));
  if (type === 'boolean') return asNumber(field) !== 0;
  if (type === 'integer' || type === 'number') return asNumber(field);
  if (type === 'string') return asString(field);
  if (schema.properties) return decodeMessage(asBytes(field), schema);
  const json = readText(asBytes(field), 1);
  return json ? (JSON.parse(json) as JsonValue) : undefined;
}

function readText(bytes: Uint8Array, number: number): string {
  let text = '';
  for (const field of readFields(bytes)) if (field.number === number) text = asString(field);
  return text;
}

function readIntOrString(bytes: Uint8Array): JsonValue {
  let isString = false;
  let int = 0;
  let text = '';
  for (const field of readFields(bytes)) {
    if (field.number === 1) isString = asNumber(field) === 1;
    else if (field.number === 2) int = asNumber(field);
    else if (field.number === 3) text = asString(field);
  }
  return isString ? text : int;
}

function readTime(bytes: Uint8Array, decimals: number): string | undefined {
  if (bytes.byteLength === 0) return undefined;
  let seconds = 0;
  let nanos = 0;
  for (const field of readFields(bytes)) {
    if (field.number === 1) seconds = asNumber(field);
    else if (field.number === 2) nanos = asNumber(field);
  }
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new Error('time out of range');
  const whole = date.toISOString().slice(0, 19);
  return decimals === 0 ? `${whole}Z` : `${whole}.${String(nanos).padStart(9, '0').slice(0, decimals)}Z`;
}

import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { type Message, messageOf } from './message.ts';
import { Writer, wireType } from './wire.ts';

/** The message of an object of a named definition. Fields that the definition does not have are left out. */
export function encodeMessage(value: JsonObject, schema: Schema): Uint8Array {
  const message = schema.name === undefined ? undefined : messageOf(schema.name);
  if (!message) throw new Error(`no protobuf form of ${schema.name ?? 'an anonymous type'}`);
  return writeMessage(value, schema, message);
}

function writeMessage(value: JsonObject, schema: Schema, message: Message): Uint8Array {
  const writer = new Writer();
  for (const entry of message.order) {
    if ('message' in entry) {
      writer.tag(entry.number, wireType.bytes);
      writer.bytes(writeMessage(value, schema, entry.message));
      continue;
    }
    const member = value[entry.name];
    const memberSchema = schema.properties?.[entry.name];
    if (member === undefined || member === null || !memberSchema) continue;
    if (Object.hasOwn(value, entry.name)) writeField(writer, entry.number, member, memberSchema);
  }
  return writer.finish();
}

function writeField(writer: Writer, number: number, value: JsonValue, schema: Schema): void {
  if (schema.type === 'array' && Array.isArray(value)) {
    for (const item of value) writeField(writer, number, item, schema.items ?? {});
  } else if (schema.additionalProperties && isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      const entry = new Writer();
      entry.tag(1, wireType.bytes);
      entry.string(key);
      writeMapValue(entry, value[key] ?? null, schema.additionalProperties);
      writer.tag(number, wireType.bytes);
      writer.bytes(entry.finish());
    }
  } else {
    writeValue(writer, number, value, schema);
  }
}

/** Values of a map that are lists stand in a message of their own (`ExtraValue`). */
function writeMapValue(entry: Writer, value: JsonValue, schema: Schema): void {
  if (schema.type !== 'array') return writeValue(entry, 2, value, schema);
  const list = new Writer();
  writeField(list, 1, value, schema);
  entry.tag(2, wireType.bytes);
  entry.bytes(list.finish());
}

function writeValue(writer: Writer, number: number, value: JsonValue, schema: Schema): void {
  const { type, format } = schema;
  if (type === 'boolean' || type === 'integer') {
    writer.tag(number, wireType.varint);
    writer.varint(Number(value));
  } else if (type === 'number') {
    writer.tag(number, wireType.fixed64);
    writer.double(Number(value));
  } else {
    writer.tag(number, wireType.bytes);
    if (format === 'byte') writer.bytes(Buffer.from(textOf(value), 'base64'));
    else if (type === 'string' && (!format || !(format in wrapped))) writer.string(textOf(value));
    else writer.bytes(writeInner(value, schema));
  }
}

/** Formats whose values are messages. */
const wrapped: Readonly<Record<string, (value: JsonValue) => Uint8Array>> = {
  quantity: (value) => {
    const inner = new Writer();
    inner.tag(1, wireType.bytes);
    inner.string(textOf(value));
    return inner.finish();
  },
  'int-or-string': (value) => {
    const inner = new Writer();
    inner.tag(1, wireType.varint);
    inner.varint(typeof value === 'number' ? 0 : 1);
    inner.tag(2, wireType.varint);
    inner.varint(typeof value === 'number' ? value : 0);
    inner.tag(3, wireType.bytes);
    inner.string(typeof value === 'string' ? value : '');
    return inner.finish();
  },
  'date-time': (value) => timestamp(textOf(value)),
  'micro-time': (value) => timestamp(textOf(value)),
};

function timestamp(text: string): Uint8Array {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error(`not a time: ${JSON.stringify(text)}`);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  const inner = new Writer();
  inner.tag(1, wireType.varint);
  inner.varint(Math.floor(ms / 1000));
  inner.tag(2, wireType.varint);
  inner.varint(Number(fraction.slice(0, 9).padEnd(9, '0')));
  return inner.finish();
}

function writeInner(value: JsonValue, schema: Schema): Uint8Array {
  const wrap = schema.format === undefined ? undefined : wrapped[schema.format];
  if (wrap) return wrap(value);
  if (schema.properties && isJsonObject(value)) return encodeMessage(value, schema);
  // `runtime.RawExtension`, `metav1.FieldsV1`: JSON as it is.
  const inner = new Writer();
  inner.tag(1, wireType.bytes);
  inner.string(JSON.stringify(value));
  return inner.finish();
}

/** What is no string where one belongs was let through by nobody; it is written as it would be in JSON. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

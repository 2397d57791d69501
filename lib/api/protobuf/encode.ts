import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { type Message, messageOf } from './message.ts';
import { BackWriter } from './back-writer.ts';
import { wireType } from './wire.ts';

/** One for all messages: nothing here waits in the middle of one. */
const writer = new BackWriter();

/** The message of an object of a named definition. Fields that the definition does not have are left out. */
export function encodeMessage(value: JsonObject, schema: Schema): Uint8Array {
  writer.begin();
  writeObject(value, schema);
  return writer.finish();
}

function writeObject(value: JsonObject, schema: Schema): void {
  const message = schema.name === undefined ? undefined : messageOf(schema.name);
  if (!message) throw new Error(`no protobuf form of ${schema.name ?? 'an anonymous type'}`);
  writeMessage(value, schema, message);
}

/** From the last field to the first, as everything here: see BackWriter. */
function writeMessage(value: JsonObject, schema: Schema, { order }: Message): void {
  for (let index = order.length - 1; index >= 0; index--) {
    const entry = order[index] as Message['order'][number];
    if ('message' in entry) {
      writeNested(entry.number, () => writeMessage(value, schema, entry.message));
      continue;
    }
    const member = value[entry.name];
    const memberSchema = schema.properties?.[entry.name];
    if (member === undefined || member === null || !memberSchema) continue;
    if (Object.hasOwn(value, entry.name)) writeField(entry.number, member, memberSchema);
  }
}

function writeNested(number: number, write: () => void): void {
  const mark = writer.mark();
  write();
  writer.lengthSince(mark);
  writer.tag(number, wireType.bytes);
}

function writeField(number: number, value: JsonValue, schema: Schema): void {
  if (schema.type === 'array' && Array.isArray(value)) {
    const items = schema.items ?? {};
    for (let index = value.length - 1; index >= 0; index--) writeField(number, value[index] ?? null, items);
  } else if (schema.additionalProperties && isJsonObject(value)) {
    const values = schema.additionalProperties;
    for (const key of Object.keys(value).reverse()) {
      writeNested(number, () => {
        writeMapValue(value[key] ?? null, values);
        writer.string(key);
        writer.tag(1, wireType.bytes);
      });
    }
  } else {
    writeValue(number, value, schema);
  }
}

/** Values of a map that are lists stand in a message of their own (`ExtraValue`). */
function writeMapValue(value: JsonValue, schema: Schema): void {
  if (schema.type !== 'array') writeValue(2, value, schema);
  else writeNested(2, () => writeField(1, value, schema));
}

function writeValue(number: number, value: JsonValue, schema: Schema): void {
  const { type, format } = schema;
  if (type === 'boolean' || type === 'integer') {
    writer.varint(Number(value));
    writer.tag(number, wireType.varint);
  } else if (type === 'number') {
    writer.double(Number(value));
    writer.tag(number, wireType.fixed64);
  } else if (format === 'byte') {
    writer.bytes(Buffer.from(textOf(value), 'base64'));
    writer.tag(number, wireType.bytes);
  } else if (type === 'string' && (!format || !Object.hasOwn(wrapped, format))) {
    writer.string(textOf(value));
    writer.tag(number, wireType.bytes);
  } else {
    writeNested(number, () => writeInner(value, schema));
  }
}

/** Formats whose values are messages. */
const wrapped: Readonly<Record<string, (value: JsonValue) => void>> = {
  quantity: (value) => writeText(1, textOf(value)),
  'int-or-string': (value) => {
    writeText(3, typeof value === 'string' ? value : '');
    writer.varint(typeof value === 'number' ? value : 0);
    writer.tag(2, wireType.varint);
    writer.varint(typeof value === 'number' ? 0 : 1);
    writer.tag(1, wireType.varint);
  },
  'date-time': (value) => writeTimestamp(textOf(value)),
  'micro-time': (value) => writeTimestamp(textOf(value)),
};

function writeText(number: number, text: string): void {
  writer.string(text);
  writer.tag(number, wireType.bytes);
}

function writeTimestamp(text: string): void {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error(`not a time: ${JSON.stringify(text)}`);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  writer.varint(Number(fraction.slice(0, 9).padEnd(9, '0')));
  writer.tag(2, wireType.varint);
  writer.varint(Math.floor(ms / 1000));
  writer.tag(1, wireType.varint);
}

function writeInner(value: JsonValue, schema: Schema): void {
  const wrap = schema.format === undefined ? undefined : wrapped[schema.format];
  if (wrap) return wrap(value);
  if (schema.properties && isJsonObject(value)) return writeObject(value, schema);
  // `runtime.RawExtension`, `metav1.FieldsV1`: JSON as it is.
  writeText(1, JSON.stringify(value));
}

/** What is no string where one belongs was let through by nobody; it is written as it would be in JSON. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

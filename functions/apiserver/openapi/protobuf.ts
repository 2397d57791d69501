/**
 * JSON documents written as messages of gnostic, the protobuf form of OpenAPI: each version says which member of an object goes
 * under which number (`v2-protobuf.ts`, `v3-protobuf.ts`).
 */
import type { JsonObject, JsonValue } from '../../../lib/api/object.ts';
import { wireType, Writer } from '../../../lib/api/protobuf/wire.ts';

/** How one member of a JSON object is written: under which number, as what. */
type Field =
  | { number: number; as: 'string' | 'boolean' | 'integer' | 'double' | 'strings' | 'any' | 'anys' }
  /** A message, made of the whole member. */
  | { number: number; as: 'message'; encode: Encode }
  /** A message for each item of an array. */
  | { number: number; as: 'messages'; encode: Encode }
  /** A message that holds name and value of each member of an object. */
  | { number: number; as: 'named'; encode: Encode };

export type Encode = (value: JsonValue) => Uint8Array;

export interface MessageFields {
  fields: Readonly<Record<string, Field>>;
  /** The number under which members called `x-…` go. */
  extensions?: number;
}

export function encodeMessage(value: JsonValue, { fields, extensions }: MessageFields): Uint8Array {
  const writer = new Writer();
  for (const [name, member] of Object.entries(objectOf(value))) {
    const field = fields[name];
    if (field) writeField(writer, field, member);
    else if (extensions !== undefined && name.startsWith('x-'))
      writeBytes(writer, extensions, namedAny(name, member));
    else throw new Error(`the protobuf form of OpenAPI has no place for ${name} here`);
  }
  return writer.finish();
}

function writeField(writer: Writer, field: Field, value: JsonValue): void {
  const { number } = field;
  switch (field.as) {
    case 'string':
      return writeString(writer, number, stringOf(value));
    case 'boolean':
      if (value === true) {
        writer.tag(number, wireType.varint);
        writer.varint(1);
      }
      return;
    case 'integer':
      writer.tag(number, wireType.varint);
      return writer.varint(Number(value));
    case 'double':
      writer.tag(number, wireType.fixed64);
      return writer.double(Number(value));
    case 'strings':
      for (const item of arrayOf(value)) writeString(writer, number, stringOf(item));
      return;
    case 'any':
      return writeBytes(writer, number, any(value));
    case 'anys':
      for (const item of arrayOf(value)) writeBytes(writer, number, any(item));
      return;
    case 'message':
      return writeBytes(writer, number, field.encode(value));
    case 'messages':
      for (const item of arrayOf(value)) writeBytes(writer, number, field.encode(item));
      return;
    case 'named':
      for (const [name, member] of Object.entries(objectOf(value))) {
        writeBytes(writer, number, named(name, field.encode(member)));
      }
  }
}

/** `Any` carries a value as YAML, which JSON is. */
function any(value: JsonValue): Uint8Array {
  const writer = new Writer();
  writeString(writer, 2, JSON.stringify(value));
  return writer.finish();
}

function namedAny(name: string, value: JsonValue): Uint8Array {
  return named(name, any(value));
}

function named(name: string, value: Uint8Array): Uint8Array {
  const writer = new Writer();
  writeString(writer, 1, name);
  writeBytes(writer, 2, value);
  return writer.finish();
}

/** A message whose one field `number` is the value: how `oneof` and the lists of names are wrapped. */
export function wrapped(number: number, value: Uint8Array): Uint8Array {
  const writer = new Writer();
  writeBytes(writer, number, value);
  return writer.finish();
}

export function writeString(writer: Writer, number: number, value: string): void {
  writer.tag(number, wireType.bytes);
  writer.string(value);
}

function writeBytes(writer: Writer, number: number, value: Uint8Array): void {
  writer.tag(number, wireType.bytes);
  writer.bytes(value);
}

export function objectOf(value: JsonValue): JsonObject {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  throw new Error(`an object was expected in the OpenAPI document, not ${JSON.stringify(value)}`);
}

function stringOf(value: JsonValue): string {
  if (typeof value === 'string') return value;
  throw new Error(`a string was expected in the OpenAPI document, not ${JSON.stringify(value)}`);
}

function arrayOf(value: JsonValue): JsonValue[] {
  return Array.isArray(value) ? value : [value];
}

export const text = (number: number): Field => ({ number, as: 'string' });
export const texts = (number: number): Field => ({ number, as: 'strings' });
export const flag = (number: number): Field => ({ number, as: 'boolean' });
export const message = (number: number, encode: Encode): Field => ({ number, as: 'message', encode });
export const messages = (number: number, encode: Encode): Field => ({ number, as: 'messages', encode });
export const of =
  (fields: MessageFields): Encode =>
  (value) =>
    encodeMessage(value, fields);
/** A message whose field `number` is a list of names and values. */
export const namesOf =
  (encode: Encode, number = 1): Encode =>
  (value) => {
    const writer = new Writer();
    writeField(writer, { number, as: 'named', encode }, value);
    return writer.finish();
  };

/** A message that holds what is one item in JSON as a list. */
export const itemsOf =
  (encode: Encode): Encode =>
  (value) => {
    const writer = new Writer();
    for (const item of arrayOf(value)) writeBytes(writer, 1, encode(item));
    return writer.finish();
  };

/** The other side of a `oneof` whose first is a schema. */
export function booleanItem(value: boolean): Uint8Array {
  const writer = new Writer();
  writer.tag(2, wireType.varint);
  writer.varint(value ? 1 : 0);
  return writer.finish();
}

/** A message that holds a list of texts. */
export function stringList(value: JsonValue): Uint8Array {
  const writer = new Writer();
  for (const item of arrayOf(value)) writeString(writer, 1, stringOf(item));
  return writer.finish();
}

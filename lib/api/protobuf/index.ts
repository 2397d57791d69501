/**
 * The protobuf representation of built-in kinds (API concepts, "Kubernetes Protobuf encoding"): four bytes of magic,
 * then a `runtime.Unknown` that names the type and holds the message.
 */
import { KumulusError, messageOf as messageText } from '../../errors.ts';
import type { ListMeta } from '../gen/types.ts';
import type { JsonObject, KubeObject } from '../object.ts';
import type { Schema } from '../schema.ts';
import { decodeMessage } from './decode.ts';
import { encodeMessage } from './encode.ts';
import { messageOf } from './message.ts';
import { asBytes, asString, readFields, Writer, wireType } from './wire.ts';

export { encodeMessage } from './encode.ts';

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** Whether a kind can be written as protobuf: built-in ones can, custom resources cannot. */
export function hasProtobuf(schema: Schema): boolean {
  return schema.name !== undefined && messageOf(schema.name) !== undefined;
}

/** A body of type `application/vnd.kubernetes.protobuf`. The object (or list) carries its apiVersion and kind. */
export function encodeProtobuf(object: KubeObject | JsonObject, schema: Schema): Buffer {
  return Buffer.concat(envelope(object as TypeMeta, [encodeMessage(object as JsonObject, schema)]));
}

/** The same of a list, in pieces, from its items' own messages (`encodeMessage`). `schema` is the list's. */
export function encodeProtobufList(
  list: TypeMeta & { metadata: ListMeta },
  items: readonly Uint8Array[],
  schema: Schema,
): Uint8Array[] {
  const number = schema.name === undefined ? undefined : messageOf(schema.name)?.fields.get('items')?.number;
  if (number === undefined) throw new Error(`no protobuf form of ${schema.name ?? 'an anonymous type'}`);
  const pieces: Uint8Array[] = [encodeMessage(list as unknown as JsonObject, schema)];
  for (const item of items) {
    const head = new Writer();
    head.tag(number, wireType.bytes);
    head.varint(item.byteLength);
    pieces.push(head.finish(), item);
  }
  return envelope(list, pieces);
}

interface TypeMeta {
  apiVersion?: string;
  kind?: string;
}

function envelope({ apiVersion = '', kind = '' }: TypeMeta, message: readonly Uint8Array[]): Uint8Array[] {
  const type = new Writer();
  type.tag(1, wireType.bytes);
  type.string(apiVersion);
  type.tag(2, wireType.bytes);
  type.string(kind);
  const head = new Writer();
  head.tag(1, wireType.bytes);
  head.bytes(type.finish());
  head.tag(2, wireType.bytes);
  head.varint(message.reduce((sum, piece) => sum + piece.byteLength, 0));
  const tail = new Writer();
  tail.tag(3, wireType.bytes);
  tail.string('');
  tail.tag(4, wireType.bytes);
  tail.string('');
  return [magic, head.finish(), ...message, tail.finish()];
}

/**
 * Reads such a body; `schemaFor` finds the schema of what it says it is.
 * @throws KumulusError BadRequest
 */
export function decodeProtobuf(
  body: Uint8Array,
  schemaFor: (group: string, version: string, kind: string) => Schema | undefined,
): JsonObject {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.byteLength < 4 || !bytes.subarray(0, 4).equals(magic)) {
    throw new KumulusError(
      'BadRequest',
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  try {
    const { apiVersion, kind, raw } = readUnknown(bytes.subarray(4));
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const schema = schemaFor(group, apiVersion.slice(slash + 1), kind);
    if (!schema) throw new Error(`no kind "${kind}" is registered for version "${apiVersion}"`);
    return { apiVersion, kind, ...decodeMessage(raw, schema) };
  } catch (cause) {
    throw new KumulusError('BadRequest', messageText(cause), { cause });
  }
}

function readUnknown(bytes: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  for (const field of readFields(bytes)) {
    if (field.number === 2) raw = asBytes(field);
    if (field.number !== 1) continue;
    for (const part of readFields(asBytes(field))) {
      if (part.number === 1) apiVersion = asString(part);
      else if (part.number === 2) kind = asString(part);
    }
  }
  return { apiVersion, kind, raw };
}

/**
 * One frame of a watch (`application/vnd.kubernetes.protobuf;stream=watch`): the length in four bytes, then the event
 * with the encoded object.
 */
export function protobufWatchFrame(type: string, encodedObject: Uint8Array): Buffer {
  const raw = new Writer();
  raw.tag(1, wireType.bytes);
  raw.bytes(encodedObject);
  const event = new Writer();
  event.tag(1, wireType.bytes);
  event.string(type);
  event.tag(2, wireType.bytes);
  event.bytes(raw.finish());
  const bytes = event.finish();
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
}

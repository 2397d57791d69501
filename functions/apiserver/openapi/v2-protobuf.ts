/**
 * The OpenAPI 2.0 document in the binary form that kubectl asks for: the message `openapi.v2.Document` of gnostic
 * (OpenAPIv2.proto), written straight from the JSON document.
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

type Encode = (value: JsonValue) => Uint8Array;

interface MessageFields {
  fields: Readonly<Record<string, Field>>;
  /** The number under which members called `x-…` go. */
  extensions?: number;
}

/** @param document What `openApiV2` made. */
export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  return encodeMessage(document, documentFields);
}

function encodeMessage(value: JsonValue, { fields, extensions }: MessageFields): Uint8Array {
  const writer = new Writer();
  for (const [name, member] of Object.entries(objectOf(value))) {
    const field = fields[name];
    if (field) writeField(writer, field, member);
    else if (extensions !== undefined && name.startsWith('x-'))
      writeBytes(writer, extensions, namedAny(name, member));
    else throw new Error(`OpenAPI 2.0 has no place for ${name} in protobuf`);
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
function wrapped(number: number, value: Uint8Array): Uint8Array {
  const writer = new Writer();
  writeBytes(writer, number, value);
  return writer.finish();
}

function writeString(writer: Writer, number: number, value: string): void {
  writer.tag(number, wireType.bytes);
  writer.string(value);
}

function writeBytes(writer: Writer, number: number, value: Uint8Array): void {
  writer.tag(number, wireType.bytes);
  writer.bytes(value);
}

function objectOf(value: JsonValue): JsonObject {
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

const text = (number: number): Field => ({ number, as: 'string' });
const texts = (number: number): Field => ({ number, as: 'strings' });
const flag = (number: number): Field => ({ number, as: 'boolean' });
const message = (number: number, encode: Encode): Field => ({ number, as: 'message', encode });
const messages = (number: number, encode: Encode): Field => ({ number, as: 'messages', encode });
const of =
  (fields: MessageFields): Encode =>
  (value) =>
    encodeMessage(value, fields);
/** A message whose field `number` is a list of names and values. */
const namesOf =
  (encode: Encode, number = 1): Encode =>
  (value) => {
    const writer = new Writer();
    writeField(writer, { number, as: 'named', encode }, value);
    return writer.finish();
  };

const externalDocs = of({ fields: { description: text(1), url: text(2) }, extensions: 3 });

const schema: Encode = (value) => encodeMessage(value, schemaFields);

const schemaFields: MessageFields = {
  fields: {
    $ref: text(1),
    format: text(2),
    title: text(3),
    description: text(4),
    default: { number: 5, as: 'any' },
    multipleOf: { number: 6, as: 'double' },
    maximum: { number: 7, as: 'double' },
    exclusiveMaximum: flag(8),
    minimum: { number: 9, as: 'double' },
    exclusiveMinimum: flag(10),
    maxLength: { number: 11, as: 'integer' },
    minLength: { number: 12, as: 'integer' },
    pattern: text(13),
    maxItems: { number: 14, as: 'integer' },
    minItems: { number: 15, as: 'integer' },
    uniqueItems: flag(16),
    maxProperties: { number: 17, as: 'integer' },
    minProperties: { number: 18, as: 'integer' },
    required: texts(19),
    enum: { number: 20, as: 'anys' },
    additionalProperties: message(21, (value) =>
      typeof value === 'boolean' ? booleanItem(value) : wrapped(1, schema(value)),
    ),
    type: message(22, stringList),
    items: message(23, (value) => {
      const writer = new Writer();
      for (const item of arrayOf(value)) writeBytes(writer, 1, schema(item));
      return writer.finish();
    }),
    allOf: messages(24, schema),
    properties: message(25, namesOf(schema)),
    discriminator: text(26),
    readOnly: flag(27),
    externalDocs: message(29, externalDocs),
    example: { number: 30, as: 'any' },
  },
  extensions: 31,
};

function booleanItem(value: boolean): Uint8Array {
  const writer = new Writer();
  writer.tag(2, wireType.varint);
  writer.varint(value ? 1 : 0);
  return writer.finish();
}

function stringList(value: JsonValue): Uint8Array {
  const writer = new Writer();
  for (const item of arrayOf(value)) writeString(writer, 1, stringOf(item));
  return writer.finish();
}

const bodyParameterFields: MessageFields = {
  fields: {
    description: text(1),
    name: text(2),
    in: text(3),
    required: flag(4),
    schema: message(5, schema),
  },
  extensions: 6,
};
const queryParameterFields: MessageFields = {
  fields: {
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(6),
    format: text(7),
    uniqueItems: flag(20),
  },
  extensions: 23,
};
const pathParameterFields: MessageFields = {
  fields: {
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(5),
    format: text(6),
    uniqueItems: flag(19),
  },
  extensions: 22,
};

/** `ParametersItem` of a `Parameter` of a body, or of a `NonBodyParameter`, by where it stands. */
function parametersItem(value: JsonValue): Uint8Array {
  switch (objectOf(value).in) {
    case 'body':
      return wrapped(1, wrapped(1, encodeMessage(value, bodyParameterFields)));
    case 'query':
      return wrapped(1, wrapped(2, wrapped(3, encodeMessage(value, queryParameterFields))));
    case 'path':
      return wrapped(1, wrapped(2, wrapped(4, encodeMessage(value, pathParameterFields))));
    default:
      throw new Error(`no protobuf for the parameter ${JSON.stringify(value)}`);
  }
}

const responseFields: MessageFields = {
  fields: { description: text(1), schema: message(2, (value) => wrapped(1, schema(value))) },
  extensions: 5,
};
const operationFields: MessageFields = {
  fields: {
    tags: texts(1),
    summary: text(2),
    description: text(3),
    externalDocs: message(4, externalDocs),
    operationId: text(5),
    produces: texts(6),
    consumes: texts(7),
    parameters: messages(8, parametersItem),
    responses: message(
      9,
      namesOf((value) => wrapped(1, encodeMessage(value, responseFields))),
    ),
    schemes: texts(10),
    deprecated: flag(11),
  },
  extensions: 13,
};
const operation = of(operationFields);
const pathItemFields: MessageFields = {
  fields: {
    $ref: text(1),
    get: message(2, operation),
    put: message(3, operation),
    post: message(4, operation),
    delete: message(5, operation),
    options: message(6, operation),
    head: message(7, operation),
    patch: message(8, operation),
    parameters: messages(9, parametersItem),
  },
  extensions: 10,
};
const apiKeyFields: MessageFields = {
  fields: { type: text(1), name: text(2), in: text(3), description: text(4) },
  extensions: 5,
};
const documentFields: MessageFields = {
  fields: {
    swagger: text(1),
    info: message(
      2,
      of({ fields: { title: text(1), version: text(2), description: text(3) }, extensions: 7 }),
    ),
    paths: message(8, namesOf(of(pathItemFields), 2)),
    definitions: message(9, namesOf(schema)),
    security: messages(12, namesOf(stringList)),
    securityDefinitions: message(
      13,
      namesOf((value) => wrapped(2, encodeMessage(value, apiKeyFields))),
    ),
  },
  extensions: 16,
};

/**
 * An OpenAPI 3.0 document in binary form: the message `openapi.v3.Document` of gnostic (OpenAPIv3.proto), written straight from
 * the JSON document.
 */
import type { JsonObject, JsonValue } from '../../../lib/api/object.ts';
import { wireType, Writer } from '../../../lib/api/protobuf/wire.ts';
import {
  booleanItem,
  type Encode,
  encodeMessage,
  flag,
  itemsOf,
  message,
  type MessageFields,
  messages,
  namesOf,
  objectOf,
  of,
  text,
  texts,
  wrapped,
  writeString,
} from './protobuf.ts';

/** @param document What `openApiV3` made. */
export function encodeOpenApiV3(document: JsonObject): Uint8Array {
  return encodeMessage(document, documentFields);
}

const reference = of({ fields: { $ref: text(1) } });

/** One side of a `oneof` for what is written in place, the other for what is referred to. */
const orReference =
  (encode: Encode): Encode =>
  (value) =>
    objectOf(value).$ref === undefined ? wrapped(1, encode(value)) : wrapped(2, reference(value));

const schema: Encode = orReference((value) => encodeMessage(value, schemaFields));

const schemaFields: MessageFields = {
  fields: {
    nullable: flag(1),
    title: text(9),
    maximum: { number: 11, as: 'double' },
    minimum: { number: 13, as: 'double' },
    maxLength: { number: 15, as: 'integer' },
    minLength: { number: 16, as: 'integer' },
    pattern: text(17),
    maxItems: { number: 18, as: 'integer' },
    minItems: { number: 19, as: 'integer' },
    uniqueItems: flag(20),
    maxProperties: { number: 21, as: 'integer' },
    minProperties: { number: 22, as: 'integer' },
    required: texts(23),
    enum: { number: 24, as: 'anys' },
    type: text(25),
    allOf: messages(26, schema),
    oneOf: messages(27, schema),
    anyOf: messages(28, schema),
    not: message(29, (value) => encodeMessage(value, schemaFields)),
    items: message(30, itemsOf(schema)),
    properties: message(31, namesOf(schema)),
    additionalProperties: message(32, (value) =>
      typeof value === 'boolean' ? booleanItem(value) : wrapped(1, schema(value)),
    ),
    default: message(33, defaultType),
    description: text(34),
    format: text(35),
  },
  extensions: 36,
};

/** There is a place for scalars alone: gnostic leaves the message of any other default empty. */
function defaultType(value: JsonValue): Uint8Array {
  const writer = new Writer();
  if (typeof value === 'number') {
    writer.tag(1, wireType.fixed64);
    writer.double(value);
  } else if (typeof value === 'boolean') {
    writer.tag(2, wireType.varint);
    writer.varint(value ? 1 : 0);
  } else if (typeof value === 'string') {
    writeString(writer, 3, value);
  }
  return writer.finish();
}

const mediaTypes = namesOf(of({ fields: { schema: message(1, schema) }, extensions: 5 }));

const parameter = orReference(
  of({
    fields: {
      name: text(1),
      in: text(2),
      description: text(3),
      required: flag(4),
      schema: message(10, schema),
    },
    extensions: 14,
  }),
);
const requestBody = orReference(
  of({
    fields: { description: text(1), content: message(2, mediaTypes), required: flag(3) },
    extensions: 4,
  }),
);
const response = orReference(
  of({ fields: { description: text(1), content: message(3, mediaTypes) }, extensions: 5 }),
);
const operation = of({
  fields: {
    tags: texts(1),
    summary: text(2),
    description: text(3),
    operationId: text(5),
    parameters: messages(6, parameter),
    requestBody: message(7, requestBody),
    responses: message(8, namesOf(response, 2)),
    deprecated: flag(10),
  },
  extensions: 13,
});
const pathItem = of({
  fields: {
    get: message(4, operation),
    put: message(5, operation),
    post: message(6, operation),
    delete: message(7, operation),
    options: message(8, operation),
    head: message(9, operation),
    patch: message(10, operation),
    parameters: messages(13, parameter),
  },
  extensions: 14,
});
const securityScheme = orReference(
  of({ fields: { type: text(1), description: text(2), name: text(3), in: text(4) }, extensions: 9 }),
);

const documentFields: MessageFields = {
  fields: {
    openapi: text(1),
    info: message(
      2,
      of({ fields: { title: text(1), description: text(2), version: text(6) }, extensions: 7 }),
    ),
    paths: message(4, namesOf(pathItem)),
    components: message(
      5,
      of({
        fields: {
          schemas: message(1, namesOf(schema)),
          securitySchemes: message(7, namesOf(securityScheme)),
        },
        extensions: 10,
      }),
    ),
  },
  extensions: 9,
};

/**
 * The OpenAPI 2.0 document in the binary form that kubectl asks for: the message `openapi.v2.Document` of gnostic
 * (OpenAPIv2.proto), written straight from the JSON document.
 */
import type { JsonObject, JsonValue } from '../../../lib/api/object.ts';
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
  stringList,
  text,
  texts,
  wrapped,
} from './protobuf.ts';

/** @param document What `openApiV2` made. */
export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  return encodeMessage(document, documentFields);
}

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
    items: message(23, itemsOf(schema)),
    allOf: messages(24, schema),
    properties: message(25, namesOf(schema)),
    discriminator: text(26),
    readOnly: flag(27),
    externalDocs: message(29, externalDocs),
    example: { number: 30, as: 'any' },
  },
  extensions: 31,
};

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

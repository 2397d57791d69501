/** The OpenAPI 2.0 document of everything that is served. */
import type { JsonObject } from '../../../lib/api/object.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { deleteOptionsRef, listRef, objectRef, patchRef, statusRef } from './components.ts';
import type { Operation } from './operations.ts';
import { parameterNamed } from './parameters.ts';
import { pathItems } from './path-items.ts';
import { type DefinitionFacts, SchemaWriter } from './schemas.ts';

const objectTypes = ['application/json', 'application/yaml'];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

export function openApiV2(
  resources: readonly ResourceDefinition[],
  facts: DefinitionFacts,
  serverVersion: string,
): JsonObject {
  const writer = new SchemaWriter({ refPrefix: '#/definitions/', version: 2 }, facts);
  const paths = pathItems(resources, parameter, (operation, resource) =>
    operationItem(operation, resource, writer),
  );
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: serverVersion },
    paths,
    definitions: writer.components(),
    securityDefinitions: {
      BearerToken: {
        description: 'Bearer Token authentication',
        type: 'apiKey',
        name: 'authorization',
        in: 'header',
      },
    },
    security: [{ BearerToken: [] }],
  };
}

function operationItem(operation: Operation, resource: ResourceDefinition, writer: SchemaWriter): JsonObject {
  const schema = answerSchema(operation, resource, writer);
  const responses = Object.fromEntries(
    operation.successCodes.map((code) => [
      String(code),
      { description: code === 200 ? 'OK' : code === 201 ? 'Created' : 'Accepted', schema },
    ]),
  );
  const body = bodyParameter(operation, resource, writer);
  const given = [...(body ? [body] : []), ...operation.query.map(parameter)];
  return {
    consumes: operation.body === 'patch' ? patchTypes : ['*/*'],
    description: operation.description,
    operationId: operation.operationId,
    ...(given.length > 0 && { parameters: given }),
    produces: operation.answer === 'text' ? ['*/*'] : objectTypes,
    responses: { ...responses, 401: { description: 'Unauthorized' } },
    schemes: ['https'],
    tags: [operation.tag],
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { ...operation.gvk },
  };
}

function answerSchema(operation: Operation, resource: ResourceDefinition, writer: SchemaWriter): JsonObject {
  switch (operation.answer) {
    case 'text':
      return { type: 'string' };
    case 'list':
      return listRef(writer, resource);
    case 'status':
      return statusRef(writer);
    case 'object':
      return objectRef(writer, operation.gvk, resource);
  }
}

function bodyParameter(
  operation: Operation,
  resource: ResourceDefinition,
  writer: SchemaWriter,
): JsonObject | undefined {
  switch (operation.body) {
    case undefined:
      return undefined;
    case 'patch':
      return { name: 'body', in: 'body', required: true, schema: patchRef(writer) };
    case 'deleteOptions':
      return { name: 'body', in: 'body', schema: deleteOptionsRef(writer) };
    case 'object':
      return { name: 'body', in: 'body', required: true, schema: objectRef(writer, operation.gvk, resource) };
  }
}

function parameter(name: string): JsonObject {
  const { in: place, type, description } = parameterNamed(name);
  return {
    name,
    in: place,
    description,
    ...(place === 'path' && { required: true }),
    type,
    uniqueItems: true,
  };
}

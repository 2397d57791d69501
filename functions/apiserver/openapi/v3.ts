/** OpenAPI 3.0 documents, one a group and version (KEP-2896). */
import type { JsonObject } from '../../../lib/api/object.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { deleteOptionsRef, listRef, objectRef, patchRef, statusRef } from './components.ts';
import type { Operation } from './operations.ts';
import { parameterNamed } from './parameters.ts';
import { pathItems } from './path-items.ts';
import { type DefinitionFacts, SchemaWriter } from './schemas.ts';

const objectTypes = ['application/json', 'application/yaml'];
const listTypes = [...objectTypes, 'application/json;stream=watch'];
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** The document of the resources of one group and version. */
export function openApiV3(
  resources: readonly ResourceDefinition[],
  facts: DefinitionFacts,
  serverVersion: string,
): JsonObject {
  const writer = new SchemaWriter({ refPrefix: '#/components/schemas/', version: 3 }, facts);
  const paths = pathItems(resources, parameter, (operation, resource) =>
    operationItem(operation, resource, writer),
  );
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: serverVersion },
    paths,
    components: {
      schemas: writer.components(),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

function operationItem(operation: Operation, resource: ResourceDefinition, writer: SchemaWriter): JsonObject {
  const content = answerContent(operation, resource, writer);
  const responses = Object.fromEntries(
    operation.successCodes.map((code) => [
      String(code),
      { description: code === 200 ? 'OK' : code === 201 ? 'Created' : 'Accepted', content },
    ]),
  );
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.operationId,
    ...(operation.query.length > 0 && { parameters: operation.query.map(parameter) }),
    ...(operation.body && { requestBody: requestBody(operation, resource, writer) }),
    responses: { ...responses, 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': { ...operation.gvk },
  };
}

function answerContent(operation: Operation, resource: ResourceDefinition, writer: SchemaWriter): JsonObject {
  switch (operation.answer) {
    case 'text':
      return contentOf(operation.action === 'connect' ? ['*/*'] : ['text/plain'], { type: 'string' });
    case 'list':
      return contentOf(listTypes, listRef(writer, resource));
    case 'status':
      return contentOf(objectTypes, statusRef(writer));
    case 'object':
      return contentOf(objectTypes, objectRef(writer, operation.gvk, resource));
  }
}

function requestBody(operation: Operation, resource: ResourceDefinition, writer: SchemaWriter): JsonObject {
  switch (operation.body) {
    case 'patch':
      return { content: contentOf(patchTypes, patchRef(writer)), required: true };
    case 'deleteOptions':
      return { content: contentOf(['*/*'], deleteOptionsRef(writer)) };
    default:
      return { content: contentOf(['*/*'], objectRef(writer, operation.gvk, resource)), required: true };
  }
}

function contentOf(types: readonly string[], schema: JsonObject): JsonObject {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function parameter(name: string): JsonObject {
  const { in: place, type, description } = parameterNamed(name);
  return {
    name,
    in: place,
    description,
    ...(place === 'path' && { required: true }),
    schema: { type, uniqueItems: true },
  };
}

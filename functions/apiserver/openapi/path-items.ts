import type { JsonObject } from '../../../lib/api/object.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { type Operation, pathsOf } from './operations.ts';

/** The paths of all resources, in order, with what a version of OpenAPI says of a parameter and of an operation. */
export function pathItems(
  resources: readonly ResourceDefinition[],
  parameter: (name: string) => JsonObject,
  operationItem: (operation: Operation, resource: ResourceDefinition) => JsonObject,
): JsonObject {
  const paths = resources.flatMap((resource) =>
    pathsOf(resource).map(({ path, pathParameters, operations }): [string, JsonObject] => {
      const connects = operations.every(({ action }) => action === 'connect');
      const shared = [...pathParameters, ...(connects ? [] : ['pretty'])].map(parameter);
      const items = operations.map((operation) => [operation.method, operationItem(operation, resource)]);
      return [path, { ...Object.fromEntries(items), ...(shared.length > 0 && { parameters: shared }) }];
    }),
  );
  return Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1)));
}

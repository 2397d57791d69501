import type { ResourceDefinition } from '../../../functions/apiserver/registry/definition.ts';

/** A definition with what most resources have. */
export function definitionOf(
  group: string,
  version: string,
  kind: string,
  more: Partial<ResourceDefinition> = {},
): ResourceDefinition {
  return {
    group,
    version,
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    listKind: `${kind}List`,
    namespaced: true,
    shortNames: [],
    categories: [],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
    schema: { type: 'object', properties: {} },
    subresources: [],
    ...more,
  };
}

/** All of discovery in one document (KEP-3352; `apidiscovery.k8s.io`). */
import type { ResourceDefinition, SubresourceDefinition } from '../registry/definition.ts';
import type { ApiGroup, ApiVersion } from './groups.ts';

export type DiscoveryVersion = 'v2' | 'v2beta1';

/** `/api` shows the core group, `/apis` all others. */
export function apiGroupDiscoveryList(groups: readonly ApiGroup[], version: DiscoveryVersion) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name && { name }), creationTimestamp: null },
      versions: versions.map((entry) => versionEntry(name, entry)),
    })),
  };
}

function versionEntry(group: string, { version, resources }: ApiVersion) {
  return {
    version,
    resources: resources.map((resource) => resourceEntry(group, version, resource)),
    freshness: 'Current',
  };
}

function resourceEntry(group: string, version: string, resource: ResourceDefinition) {
  const { plural, singular, kind, namespaced, verbs, shortNames, categories, subresources } = resource;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: verbs.toSorted(),
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(subresourceEntry),
    }),
  };
}

function subresourceEntry({ name, group, version, kind, verbs }: SubresourceDefinition) {
  return { subresource: name, responseKind: { group, version, kind }, verbs: verbs.toSorted() };
}

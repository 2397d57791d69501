/** The discovery documents of one group or version each (API concepts, "Unaggregated discovery"). */
import { createHash } from 'node:crypto';
import type { ResourceDefinition, SubresourceDefinition } from '../registry/definition.ts';
import type { ApiGroup, ApiVersion } from './groups.ts';
import { groupVersion } from './groups.ts';

/** `/api` */
export function apiVersions(core: ApiGroup | undefined, serverAddress: string) {
  return {
    kind: 'APIVersions',
    versions: core?.versions.map(({ version }) => version) ?? [],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `/apis` */
export function apiGroupList(groups: readonly ApiGroup[]) {
  const named = groups.filter(({ name }) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupEntry) };
}

/** `/apis/<group>` */
export function apiGroup(group: ApiGroup) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

function groupEntry({ name, versions }: ApiGroup) {
  const entries = versions.map(({ version }) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** `/api/v1` and `/apis/<group>/<version>` */
export function apiResourceList(group: string, { version, resources }: ApiVersion) {
  const entries = resources
    .flatMap((resource) => [
      resourceEntry(resource),
      ...resource.subresources.map((sub) => subEntry(resource, sub)),
    ])
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    kind: 'APIResourceList',
    // The core group's document is older than this rule, and has stayed without.
    ...(group !== '' && { apiVersion: 'v1' }),
    groupVersion: groupVersion(group, version),
    resources: entries,
  };
}

function resourceEntry(resource: ResourceDefinition) {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = resource;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: verbs.toSorted(),
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(verbs.includes('watch') && { storageVersionHash: storageVersionHash(resource) }),
  };
}

function subEntry(resource: ResourceDefinition, sub: SubresourceDefinition) {
  const foreign = sub.group !== resource.group || sub.version !== resource.version;
  return {
    name: `${resource.plural}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(foreign && { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs.toSorted(),
  };
}

/** Tells clients when a kind is stored in another version than before. */
function storageVersionHash({ group, version, kind }: ResourceDefinition): string {
  return createHash('sha256')
    .update(`${group}/${version}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

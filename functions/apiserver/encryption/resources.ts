/** Which types an entry of the encryption configuration is about, with upstream's rules for its wildcards. */
import { quote } from '../../../lib/api/validate/quote.ts';

/** Refuses what would be without effect or is not allowed, as kube-apiserver does. */
export function checkResources(
  resources: readonly string[],
  refuse: (index: number, problem: string) => never,
): void {
  const invalid = (index: number, why: string) =>
    refuse(index, `Invalid value: ${quote(resources[index] ?? '')}: ${why}`);
  const seen = new Set<string>();
  resources.forEach((name, index) => {
    if (seen.has(name)) refuse(index, `Duplicate value: ${quote(name)}`);
    seen.add(name);
    if (name === '' || name === '*')
      invalid(index, 'use "*." for all resources of the core API group, or "*.*" for all resources');
    if (name !== name.toLowerCase()) invalid(index, 'resource name should not contain capital letters');
    if (!/^(\*|[a-z0-9-]+)(\.(\*|[a-z0-9.-]*))?$/.test(name)) invalid(index, 'must be RESOURCE.GROUP');
    const { resource, group } = split(name);
    if (group === '*' && resource !== '*')
      invalid(index, 'encrypting the same resource across groups is not supported');
    if (group === 'extensions')
      invalid(index, '"extensions" group has been removed and cannot be used for encryption');
    if (group === 'events.k8s.io')
      invalid(index, 'events are stored in the core API group: use "events" instead');
  });
  resources.forEach((name, index) => {
    const { resource, group } = split(name);
    const isMasked =
      (name !== '*.*' && seen.has('*.*')) ||
      (resource !== '*' && seen.has(group === '' ? '*.' : `*.${group}`));
    if (isMasked) invalid(index, 'it overlaps with a wildcard of the same list, which would mask it');
  });
}

/** @param storage the store's name of a type: `secrets`, `apps/deployments` */
export function isOneOf(resources: readonly string[], storage: string): boolean {
  const slash = storage.indexOf('/');
  const group = slash < 0 ? '' : storage.slice(0, slash);
  const resource = storage.slice(slash + 1);
  return resources.some((name) => {
    const wanted = split(name);
    const isGroup = wanted.group === '*' || wanted.group === group;
    return isGroup && (wanted.resource === '*' || wanted.resource === resource);
  });
}

function split(name: string): { resource: string; group: string } {
  const dot = name.indexOf('.');
  return dot < 0
    ? { resource: name, group: '' }
    : { resource: name.slice(0, dot), group: name.slice(dot + 1) };
}

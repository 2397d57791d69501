import type { ResourceDefinition } from '../registry/definition.ts';
import { compareGroups, compareVersions } from './order.ts';

export interface ApiGroup {
  /** Empty for the core group. */
  name: string;
  /** Best first; the first is the preferred one. */
  versions: ApiVersion[];
}

export interface ApiVersion {
  version: string;
  /** By plural name. */
  resources: ResourceDefinition[];
}

/** Definitions in the order in which discovery and OpenAPI show them. */
export function groupDefinitions(definitions: readonly ResourceDefinition[]): ApiGroup[] {
  const groups = Map.groupBy(definitions, ({ group }) => group);
  return [...groups]
    .toSorted(([a], [b]) => compareGroups(a, b))
    .map(([name, ofGroup]) => ({
      name,
      versions: [...Map.groupBy(ofGroup, ({ version }) => version)]
        .toSorted(([a], [b]) => compareVersions(a, b))
        .map(([version, resources]) => ({
          version,
          resources: resources.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)),
        })),
    }));
}

/** `apps/v1`, or `v1` for the core group. */
export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

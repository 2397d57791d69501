import type { KubeObject } from '../../../lib/api/object.ts';
import type { GroupResource } from '../../../lib/api/status.ts';
import { apiVersionOf } from '../../../lib/client/resources.ts';
import { builtinDefinitions } from './builtin/index.ts';
import { type Conversion, conversionFor } from './conversion/index.ts';
import type { ResourceDefinition } from './definition.ts';
import { type Strategy, strategyFor } from './strategy.ts';

/** A resource type with all that the generic handler needs to serve it. */
export interface RegistryEntry {
  definition: ResourceDefinition;
  strategy: Strategy;
  /** The store's name of the type: `pods`, `apps/deployments`. Two served types may share one. */
  storage: string;
  groupResource: GroupResource;
  /** `v1`, `apps/v1` */
  apiVersion: string;
  /** Where objects are stored in another version or group than they are served in here. */
  conversion: Conversion | undefined;
}

export interface Registry {
  find(group: string, version: string, plural: string): RegistryEntry | undefined;
  /** Of the version that is stored, by kind; for owners and the like. */
  all(): readonly RegistryEntry[];
  /** The groups and versions in which the objects of one stored type are served. */
  sharing(storage: string): readonly RegistryEntry[];
}

export function createRegistry(): Registry {
  const entries = builtinDefinitions().map(entryOf);
  const byPath = new Map(
    entries.map((entry) => [
      pathKey(entry.definition.group, entry.definition.version, entry.definition.plural),
      entry,
    ]),
  );
  const byStorage = Map.groupBy(entries, ({ storage }) => storage);
  return {
    find: (group, version, plural) => byPath.get(pathKey(group, version, plural)),
    all: () => entries,
    sharing: (storage) => byStorage.get(storage) ?? [],
  };
}

function entryOf(definition: ResourceDefinition): RegistryEntry {
  const storageGroup = (definition.storedAs ?? definition).group;
  return {
    definition,
    strategy: strategyFor(definition),
    storage: storageGroup ? `${storageGroup}/${definition.plural}` : definition.plural,
    groupResource: { group: definition.group, resource: definition.plural },
    apiVersion: apiVersionOf(definition),
    conversion: conversionFor(definition),
  };
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

/** The object as this entry serves it; the stored form itself where both are the same. */
export function served(entry: RegistryEntry, stored: KubeObject): KubeObject {
  return entry.conversion ? entry.conversion.toServed(stored) : stored;
}

import type { OwnerReference } from '../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { isKind } from '../../../lib/errors.ts';
import { foregroundFinalizer, type Item, type OwnerGraph } from './graph.ts';

/** An object's owners, by what they mean for it. */
export interface Owners {
  /** There, and not on their way out with everything they own. */
  solid: OwnerReference[];
  /** Gone. */
  dangling: OwnerReference[];
  /** Being deleted in the foreground: they wait for this object to go first. */
  waiting: OwnerReference[];
  /** References that can mean nothing: a cluster-scoped object's to a namespaced one. */
  invalid: OwnerReference[];
  /** Of a type that is not served now; nothing can be said of them. */
  unknown: OwnerReference[];
}

/** What the informers say; they may lag behind. */
export function sortOwners(graph: OwnerGraph, { object, resource }: Item): Owners {
  const owners: Owners = { solid: [], dangling: [], waiting: [], invalid: [], unknown: [] };
  for (const reference of object.metadata.ownerReferences ?? []) {
    const type = graph.typeOf(reference);
    if (!type) owners.unknown.push(reference);
    else if (type.namespaced && !resource.namespaced) owners.invalid.push(reference);
    else {
      const owner = graph.owner(reference, object.metadata.namespace);
      if (!owner) owners.dangling.push(reference);
      else if (isWaiting(owner)) owners.waiting.push(reference);
      else owners.solid.push(reference);
    }
  }
  return owners;
}

/** Asks the API server whether owners that seem to be gone really are: nothing is deleted on hearsay. */
export async function confirmDangling(
  client: KubeClient,
  graph: OwnerGraph,
  { object }: Item,
  owners: Owners,
): Promise<Owners> {
  const confirmed: Owners = { ...owners, dangling: [], solid: [...owners.solid] };
  for (const reference of owners.dangling) {
    const type = graph.typeOf(reference);
    if (!type) continue;
    const namespace = type.namespaced ? object.metadata.namespace : undefined;
    try {
      const found = await client.get(type, { namespace, name: reference.name });
      if (found.metadata.uid === reference.uid) confirmed.solid.push(reference);
      else confirmed.dangling.push(reference);
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
      confirmed.dangling.push(reference);
    }
  }
  return confirmed;
}

export function isWaiting({ object }: Item): boolean {
  const { deletionTimestamp, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && (finalizers?.includes(foregroundFinalizer) ?? false);
}

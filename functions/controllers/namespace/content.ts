import type { Pod } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import type { DiscoveredResource, KubeClient } from '../../../lib/client/port.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import type { ContentState } from './conditions.ts';

/** How long objects that wait for a finalizer are given before they are looked at again (upstream's estimate). */
const finalizerEstimateSeconds = 15;
const pageSize = 500;

/**
 * Asks for the deletion of everything of one type in a namespace, and counts what is left into `state`. Resolves with
 * an estimate, in seconds, of how long that may take; 0 when nothing is left.
 */
export async function deleteContent(
  client: KubeClient,
  namespace: string,
  resource: DiscoveredResource,
  state: ContentState,
): Promise<number> {
  try {
    const present = await listAll(client, namespace, resource);
    if (present.length === 0) return 0;
    await deleteAll(client, namespace, resource, present);
    const left = await listAll(client, namespace, resource);
    return count(resource, left, state);
  } catch (error) {
    // The type went away between discovery and here: so did its objects.
    if (isKind(error, 'NotFound', 'MethodNotAllowed')) return 0;
    state.deletionErrors.push(messageOf(error));
    return 0;
  }
}

async function deleteAll(
  client: KubeClient,
  namespace: string,
  resource: DiscoveredResource,
  present: readonly Persisted<KubeObject>[],
): Promise<void> {
  const options = { propagationPolicy: 'Background' } as const;
  const waiting = present.filter((object) => !object.metadata.deletionTimestamp);
  if (waiting.length === 0) return;
  if (resource.verbs.includes('deletecollection')) {
    await client.deleteCollection(resource, { namespace, delete: options });
    return;
  }
  for (const { metadata } of waiting) {
    try {
      await client.delete(resource, { namespace, name: metadata.name }, options);
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
  }
}

async function listAll(
  client: KubeClient,
  namespace: string,
  resource: DiscoveredResource,
): Promise<Persisted<KubeObject>[]> {
  const objects: Persisted<KubeObject>[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(resource, { namespace, limit: pageSize, continue: next });
    objects.push(...page.items);
    next = page.metadata.continue || undefined;
  } while (next);
  return objects;
}

function count(
  resource: DiscoveredResource,
  left: readonly Persisted<KubeObject>[],
  state: ContentState,
): number {
  if (left.length === 0) return 0;
  state.remaining.set(`${resource.plural}.${resource.group}`, left.length);
  for (const finalizer of left.flatMap((object) => object.metadata.finalizers ?? [])) {
    state.finalizers.set(finalizer, (state.finalizers.get(finalizer) ?? 0) + 1);
  }
  if (left.some((object) => object.metadata.finalizers?.length)) return finalizerEstimateSeconds;
  return resource.group === '' && resource.plural === 'pods'
    ? Math.max(1, ...left.map(gracePeriodSeconds))
    : 1;
}

function gracePeriodSeconds(object: Persisted<KubeObject>): number {
  const pod = object as Persisted<KubeObject> & Partial<Pod>;
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
}

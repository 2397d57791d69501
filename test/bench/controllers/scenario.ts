import type { Deployment } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import { deployments, namespaces, pods } from '../../../lib/client/resources.ts';

/** No scenario may take longer: one that hangs fails. */
const withinMs = 180_000;

/** A Deployment of `replicas` pods that need nothing. */
export function deployment(namespace: string, name: string, replicas: number, image = 'app:1'): Deployment {
  return {
    metadata: { namespace, name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'app', image }], terminationGracePeriodSeconds: 0 },
      },
    },
  };
}

export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  await client.create(namespaces, { metadata: { name }, spec: {} });
}

/** Runs `one` for 0 to `count` - 1, as many at once as a busy user would. */
export async function each(count: number, one: (number: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: 32 }, work));
}

/** Counts pods of a namespace as a watch shows them, from now on. */
export async function podsCreated(
  client: KubeClient,
  namespace: string,
  count: number,
): Promise<() => Promise<number>> {
  const seen = new Set<string>();
  const reached = await follow(client, pods, namespace, (pod) => seen.add(pod.metadata.uid).size >= count);
  return reached;
}

/**
 * Watches the objects of a namespace from now on. The function it resolves with waits until `reached` says so of an
 * object that changed, and resolves with the time of that, as `performance.now()`.
 */
export async function follow<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  namespace: string,
  reached: (object: Persisted<T>) => boolean,
): Promise<() => Promise<number>> {
  const { metadata } = await client.list(resource, { namespace, limit: 1 });
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(withinMs)]);
  const watched = (async () => {
    let resourceVersion = metadata.resourceVersion;
    while (!signal.aborted) {
      for await (const event of client.watch(resource, { namespace, resourceVersion, signal })) {
        if (event.type === 'BOOKMARK') continue;
        resourceVersion = event.object.metadata.resourceVersion;
        if (!reached(event.object)) continue;
        const at = performance.now();
        stop.abort();
        return at;
      }
    }
    throw new Error(`${resource.plural} of ${namespace}: not there within ${withinMs / 1000} s`);
  })();
  watched.catch(() => undefined);
  return () => watched;
}

/** Waits until `count` Deployments of a namespace are as they are asked to be. */
export function available(
  client: KubeClient,
  namespace: string,
  count: number,
): Promise<() => Promise<number>> {
  const rolledOut = new Set<string>();
  return follow(client, deployments, namespace, ({ metadata, spec, status }) => {
    const isThere =
      status?.observedGeneration === metadata.generation &&
      status?.updatedReplicas === spec.replicas &&
      status?.replicas === spec.replicas &&
      status?.availableReplicas === spec.replicas;
    if (isThere) rolledOut.add(metadata.uid);
    else rolledOut.delete(metadata.uid);
    return rolledOut.size >= count;
  });
}

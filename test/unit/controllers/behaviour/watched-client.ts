import type { KubeClient } from '../../../../lib/client/port.ts';

/** A client whose reads of objects are counted by type; watches are not reads. */
export function countReads(client: KubeClient, counts: Map<string, number>): KubeClient {
  return new Proxy(client, {
    get(target, property, receiver) {
      const original: unknown = Reflect.get(target, property, receiver);
      if ((property !== 'get' && property !== 'list') || typeof original !== 'function') return original;
      return (resource: { plural: string }, ...rest: unknown[]): unknown => {
        counts.set(resource.plural, (counts.get(resource.plural) ?? 0) + 1);
        return Reflect.apply(original, target, [resource, ...rest]);
      };
    },
  });
}

const writes = ['create', 'update', 'patch', 'delete', 'deleteCollection', 'createSubresource'] as const;
type Verb = (typeof writes)[number];

/** Sees every write before it is made and after; what it throws, the caller gets. */
export interface WriteWatcher {
  before?(verb: Verb, resource: string, subject: unknown): Promise<void> | void;
  after?(verb: Verb, resource: string): Promise<void> | void;
}

/** A client whose writes are seen; everything goes to the real API server all the same. */
export function watchWrites(client: KubeClient, watcher: WriteWatcher): KubeClient {
  return new Proxy(client, {
    get(target, property, receiver) {
      const verb = writes.find((name) => name === property);
      const original: unknown = Reflect.get(target, property, receiver);
      if (!verb || typeof original !== 'function') return original;
      return async (resource: { plural: string }, subject: unknown, ...rest: unknown[]) => {
        await watcher.before?.(verb, resource.plural, subject);
        const answer: unknown = await Reflect.apply(original, target, [resource, subject, ...rest]);
        await watcher.after?.(verb, resource.plural);
        return answer;
      };
    },
  });
}

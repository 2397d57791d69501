import type { KubeObject } from '../api/object.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { createInformer, type IndexedInformer, type InformerNotices } from './informer.ts';
import type { Indexers } from './lister.ts';
import type { KubeClient, Resource } from './port.ts';
import { apiVersionOf } from './resources.ts';

export interface InformerScope<T extends KubeObject> {
  indexers?: Indexers<T>;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** One informer per resource type and selector, shared by everyone in the process who asks for it. */
export interface Informers {
  /** Asked for again, gives the same informer with the new indexers added. Starts by itself when the others run. */
  informer<T extends KubeObject>(resource: Resource<T>, scope?: InformerScope<T>): IndexedInformer<T>;
  /** Starts every informer asked for so far, and each later one when it is asked for. Resolves once all have listed. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves once every informer asked for so far has listed. */
  synced(): Promise<void>;
}

export function createInformers(
  client: KubeClient,
  options: {
    clock: Clock;
    log: Logger;
    random?: () => number;
    resyncMs?: number;
    /** Where all of them hear of changes instead of holding watches open. */
    notices?: InformerNotices;
  },
): Informers {
  // Held as informers of KubeObject: the key, which names the resource, says which type each really has.
  const known = new Map<
    string,
    { informer: unknown; started?: Promise<void>; start(signal: AbortSignal): Promise<void> }
  >();
  let running: AbortSignal | undefined;

  function ensureStarted(entry: {
    started?: Promise<void>;
    start(signal: AbortSignal): Promise<void>;
  }): void {
    if (!running || entry.started) return;
    entry.started = entry.start(running);
    entry.started.catch(() => {
      // `synced` rejects with it; until somebody asks, it must not count as unhandled.
    });
  }

  const synced = async () => {
    await Promise.all([...known.values()].map(async (entry) => entry.started));
  };

  return {
    informer<T extends KubeObject>(resource: Resource<T>, scope: InformerScope<T> = {}) {
      const key = JSON.stringify([
        apiVersionOf(resource),
        resource.plural,
        scope.namespace,
        scope.labelSelector,
        scope.fieldSelector,
      ]);
      const found = known.get(key);
      if (found) {
        const informer = found.informer as IndexedInformer<T>;
        if (scope.indexers) informer.addIndexers(scope.indexers);
        return informer;
      }
      const informer = createInformer(client, resource, { ...options, ...scope });
      const entry = { informer, start: informer.start };
      known.set(key, entry);
      ensureStarted(entry);
      return informer;
    },
    start(signal) {
      running = signal;
      for (const entry of known.values()) ensureStarted(entry);
      return synced();
    },
    synced,
  };
}

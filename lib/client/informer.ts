import { type KubeObject, keyOf, type Persisted } from '../api/object.ts';
import { type Clock, pause } from '../clock.ts';
import { isKind, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { backoffMs } from './backoff.ts';
import { createObjectCache } from './cache.ts';
import type { Indexers, Informer, ObjectChange } from './lister.ts';
import type { KubeClient, Resource } from './port.ts';

export interface InformerOptions<T extends KubeObject> {
  clock: Clock;
  log: Logger;
  random?: () => number;
  indexers?: Indexers<T>;
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** How often every object is shown to the handlers again. Absent: never. */
  resyncMs?: number;
}

/** An informer whose indexes may still grow. */
export interface IndexedInformer<T extends KubeObject> extends Informer<T> {
  /** An index name that is there already keeps its function. */
  addIndexers(indexers: Indexers<T>): void;
}

interface Snapshot<T> {
  items: Persisted<T>[];
  since: number;
  at: number;
}

/** A list is read in pages of one snapshot, so that no single response holds a large cluster. */
const pageSize = 2_000;
const backoff = { baseMs: 100, maxMs: 30_000 };
/** How long `catchUp` waits for the watch before it lists. */
const watchGraceMs = 250;

/**
 * Lists a resource, then watches it from the list's revision: each end of the watch is taken up where it stopped, an
 * expired one by another list, whose differences reach the handlers like any other change. Revisions of one resource
 * type are comparable integers (KEP-5504), so that a list and a watch that overlap never show an object going back.
 */
export function createInformer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  options: InformerOptions<T>,
): IndexedInformer<T> {
  const { clock, namespace, labelSelector, fieldSelector } = options;
  const random = options.random ?? Math.random;
  const log = options.log.child({ resource: resource.plural });
  const scope = { namespace, labelSelector, fieldSelector };
  const isPart = Boolean(namespace || labelSelector || fieldSelector);
  const cache = createObjectCache<T>(options.indexers);
  const handlers: ((change: ObjectChange<T>) => void)[] = [];
  const waiters = new Set<{ revision: number; wake: () => void }>();
  /** Every change at or below it is in the cache. */
  let revision = -1;

  function emit(change: ObjectChange<T> | undefined): void {
    if (!change) return;
    for (const handler of handlers) {
      try {
        handler(change);
      } catch (error) {
        log.error(
          { err: error, key: keyOf((change.after ?? change.before) as KubeObject) },
          'a change handler failed',
        );
      }
    }
  }

  function advance(to: number): void {
    if (to <= revision) return;
    revision = to;
    for (const waiter of waiters) if (waiter.revision <= to) waiter.wake();
  }

  /** One consistent snapshot, page by page; `since` is what this informer had reached when it asked. */
  async function snapshot(): Promise<Snapshot<T>> {
    const since = revision;
    const items: Persisted<T>[] = [];
    let next: string | undefined;
    do {
      const page = await client.list(resource, { ...scope, limit: pageSize, continue: next });
      for (const item of page.items) items.push(item);
      next = page.metadata.continue || undefined;
      if (!next) return { items, since, at: revisionOf(page.metadata.resourceVersion) };
    } while (true);
  }

  /**
   * Brings the cache to a snapshot, unless the watch has passed it meanwhile. A snapshot older than what was there
   * when it was asked for means that the server's history went back (a restored backup): it is the truth now.
   */
  function merge({ items, since, at }: Snapshot<T>): void {
    if (at < since) revision = at;
    else if (at < revision) return;
    const gone = new Set(cache.keys());
    for (const item of items) {
      const key = keyOf(item);
      gone.delete(key);
      if (cache.get(key)?.metadata.resourceVersion !== item.metadata.resourceVersion) emit(cache.put(item));
    }
    for (const key of gone) emit(cache.remove(key));
    advance(at);
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const timeoutSeconds = Math.round(300 * (1 + random()));
    const from = String(revision);
    const watch = { ...scope, signal, resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds };
    // A list of what was never written is from 0, which asks a watch for the state first, in no order and up to a bookmark.
    let initial = revision === 0 ? new Set<string>() : undefined;
    for await (const event of client.watch(resource, watch)) {
      if (event.type === 'BOOKMARK') {
        const at = revisionOf(event.resourceVersion);
        const gone = initial && at >= revision ? [...cache.keys()].filter((key) => !initial?.has(key)) : [];
        for (const key of gone) emit(cache.remove(key));
        initial = undefined;
        advance(at);
        continue;
      }
      const at = revisionOf(event.object.metadata.resourceVersion);
      if (initial && event.type === 'ADDED') {
        const key = keyOf(event.object);
        initial.add(key);
        const held = cache.get(key);
        if (!held || revisionOf(held.metadata.resourceVersion) < at) emit(cache.put(event.object));
        continue;
      }
      if (at <= revision) continue;
      emit(
        event.type === 'DELETED' ? cache.remove(keyOf(event.object), event.object) : cache.put(event.object),
      );
      advance(at);
    }
  }

  async function run(signal: AbortSignal, onListed: () => void): Promise<void> {
    let mustList = true;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = clock.now();
      try {
        if (mustList) {
          merge(await snapshot());
          mustList = false;
          onListed();
        }
        await follow(signal);
        if (signal.aborted) return;
        // A server that can only answer with what there is ends every watch at once: go on, but not in a tight loop.
        failures = 0;
        if (clock.now() - startedAt < 1_000) await clock.sleep(backoffMs(0, { ...backoff, random }), signal);
      } catch (error) {
        if (signal.aborted) return;
        mustList ||= isKind(error, 'Expired', 'Gone') || failures >= 2;
        const waitMs = backoffMs(failures++, { ...backoff, random });
        log.warn({ err: messageOf(error), waitMs, relist: mustList }, 'list or watch failed, will try again');
        await pause(clock, waitMs, signal);
      }
    }
  }

  async function resync(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      for (const object of cache.list()) emit({ before: object, after: object });
    }
  }

  /** Whether the watch reached `target` within its grace. */
  async function reached(target: number): Promise<boolean> {
    if (revision >= target) return true;
    const stop = new AbortController();
    const waiter = { revision: target, wake: () => stop.abort() };
    waiters.add(waiter);
    await pause(clock, watchGraceMs, stop.signal);
    waiters.delete(waiter);
    return revision >= target;
  }

  async function toHead(): Promise<void> {
    // A part of a resource never sees most revisions go by: its own list is the consistent read.
    if (!isPart) {
      const { metadata } = await client.list(resource, { limit: 1 });
      if (await reached(revisionOf(metadata.resourceVersion))) return;
    }
    merge(await snapshot());
  }

  return {
    resource,
    get: cache.get,
    list: cache.list,
    byIndex: cache.byIndex,
    addIndexers: cache.addIndexers,
    onChange(handler) {
      handlers.push(handler);
      for (const object of cache.list()) handler({ before: undefined, after: object });
    },
    start(signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        const stopped = (error: unknown) => {
          reject(error as Error);
          if (!signal.aborted) log.error({ err: error }, 'the informer stopped');
        };
        run(signal, resolve).catch(stopped);
        if (options.resyncMs) resync(options.resyncMs, signal).catch(stopped);
      });
    },
    catchUp: shared(toHead),
  };
}

/** Calls while a run is under way share the next one: each result is from a run that began after its call. */
function shared(run: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    current = run().finally(() => {
      current = undefined;
    });
    return current;
  };
  return () => {
    if (!current) return begin();
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return begin();
      });
    return next;
  };
}

function revisionOf(resourceVersion: string | undefined): number {
  const value = Number(resourceVersion);
  if (!Number.isSafeInteger(value)) {
    throw new TypeError(`resourceVersion: Invalid value: "${resourceVersion}": must be an integer`);
  }
  return value;
}

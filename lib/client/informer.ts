import { type KubeObject, keyOf, type Persisted, splitKey } from '../api/object.ts';
import { type Clock, pause } from '../clock.ts';
import { isKind, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { backoffMs } from './backoff.ts';
import { createObjectCache } from './cache.ts';
import type { Indexers, Informer, ObjectChange } from './lister.ts';
import { type ChangeNotice, type NoticeSource, noticeName } from './notices.ts';
import { PendingNotices } from './pending-notices.ts';
import type { KubeClient, Resource } from './port.ts';
import { apiVersionOf } from './resources.ts';

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
  /** Where the informer hears of changes instead of holding a watch open. */
  notices?: InformerNotices;
}

export interface InformerNotices {
  source: NoticeSource;
  /** How often a list repairs what no notice told. */
  relistMs: number;
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
/** Objects that notices named, read at once. */
const readsAtOnce = 8;

/**
 * Lists a resource, then watches it from the list's revision: each end of the watch is taken up where it stopped, an
 * expired one by another list, whose differences reach the handlers like any other change. Revisions of one resource
 * type are comparable integers (KEP-5504), so that a list and a watch that overlap never show an object going back.
 *
 * With `notices` it reads what it is told of, one object at a time, and lists every so often: changes of one object are
 * shown in their order and none is shown twice, those that came close together as one, and those of several objects in no
 * order. A list repairs whatever was lost.
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
  /** Objects that notices said were deleted, and when: a list from before that must not bring them back. */
  const deletedAt = new Map<string, number>();

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
    const wentBack = at < since;
    if (wentBack) revision = at;
    else if (at < revision) return;
    const gone = new Set(cache.keys());
    for (const item of items) {
      const key = keyOf(item);
      gone.delete(key);
      if (wentBack || isNews(key, revisionOf(item.metadata.resourceVersion))) emit(cache.put(item));
    }
    // A notice may have told of what is newer than the list.
    for (const key of gone) if (wentBack || heldRevision(key) <= at) emit(cache.remove(key));
    for (const [key, revisionOfIt] of deletedAt) if (wentBack || revisionOfIt <= at) deletedAt.delete(key);
    advance(at);
  }

  /** -1 for what is not held. */
  function heldRevision(key: string): number {
    const held = cache.get(key);
    return held ? revisionOf(held.metadata.resourceVersion) : -1;
  }

  function isNews(key: string, at: number): boolean {
    return at > heldRevision(key) && at > (deletedAt.get(key) ?? -1);
  }

  /** Reads what a notice is about. @throws KumulusError as the API server answers */
  async function look(notice: ChangeNotice): Promise<void> {
    const { key } = notice;
    // The list that came after it has told already.
    if (notice.revision <= revision || notice.revision <= heldRevision(key)) return;
    const before = cache.get(key);
    const found = notice.deleted ? undefined : await read(key);
    if (found) {
      if (isNews(key, revisionOf(found.metadata.resourceVersion))) emit(cache.put(found));
    } else if (cache.get(key) === before) {
      deletedAt.set(key, Math.max(notice.revision, deletedAt.get(key) ?? -1));
      emit(cache.remove(key));
    }
  }

  /** Undefined for what is not there, or is not of this informer's part. */
  async function read(key: string): Promise<Persisted<T> | undefined> {
    const { namespace: home, name } = splitKey(key);
    if (namespace && home !== namespace) return undefined;
    if (!isPart) {
      try {
        const ref = { namespace: home, name };
        const object = await client.get(resource, ref);
        return Object.assign(object, { apiVersion: apiVersionOf(resource), kind: resource.kind });
      } catch (error) {
        if (isKind(error, 'NotFound')) return undefined;
        throw error;
      }
    }
    // The server decides what is part of it, and who may see a part may not see each object by its name.
    const selectors = [fieldSelector, `metadata.name=${name}`].filter(Boolean).join(',');
    const { items } = await client.list(resource, { ...scope, namespace: home, fieldSelector: selectors });
    return items[0];
  }

  /** Reads what it is told of, until it is time to list again. */
  async function follow({ relistMs }: InformerNotices, pending: PendingNotices, signal: AbortSignal) {
    const relistAtMs = clock.now() + relistMs * (1 + 0.1 * random());
    while (!signal.aborted) {
      const waitMs = relistAtMs - clock.now();
      const taken = waitMs > 0 ? await pending.take(waitMs, clock, signal) : 'lost';
      if (taken === 'lost') return;
      for (let at = 0; at < taken.length; at += readsAtOnce) {
        const read = await Promise.allSettled(taken.slice(at, at + readsAtOnce).map(look));
        const failed = read.find((one) => one.status === 'rejected');
        // What was taken and not read would be forgotten.
        if (failed) {
          pending.interrupted();
          throw failed.reason;
        }
      }
    }
  }

  async function watch(signal: AbortSignal): Promise<void> {
    const timeoutSeconds = Math.round(300 * (1 + random()));
    const from = String(revision);
    const watchOptions = {
      ...scope,
      signal,
      resourceVersion: from,
      allowWatchBookmarks: true,
      timeoutSeconds,
    };
    // A list of what was never written is from 0, which asks a watch for the state first, in no order and up to a bookmark.
    let initial = revision === 0 ? new Set<string>() : undefined;
    for await (const event of client.watch(resource, watchOptions)) {
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
    const pending = new PendingNotices();
    const { notices } = options;
    const stopListening = notices?.source.listen(noticeName(resource), pending);
    if (stopListening) signal.addEventListener('abort', stopListening, { once: true });
    while (!signal.aborted) {
      const startedAt = clock.now();
      try {
        if (mustList) {
          pending.reset();
          merge(await snapshot());
          mustList = false;
          onListed();
        }
        if (notices) {
          // However it ends, a list is next.
          mustList = true;
          await follow(notices, pending, signal);
        } else await watch(signal);
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
    if (!isPart && !options.notices) {
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
      .catch(() => {
        // Whoever asked for that run has its error; this one tries anew.
      })
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

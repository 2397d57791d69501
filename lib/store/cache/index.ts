import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { tooLargeRevision } from '../errors.ts';
import type { Revision, Store } from '../port.ts';
import type {
  CachedObject,
  CachedPage,
  CacheWatch,
  Freshness,
  GetOptions,
  ListOptions,
  WatchCache,
  WatchOptions,
} from './port.ts';
import { type CacheDeps, ResourceCache } from './resource-cache.ts';
import type { Selection } from './snapshot.ts';
import { StoredObject } from './stored-object.ts';
import { startWatch } from './watch.ts';

export type * from './port.ts';

export interface WatchCacheOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  /** Between 0 and 1, for the jitter of retries. Default `Math.random`. */
  random?: () => number;
  /** Changes of one type that are kept for watchers; the slowest watcher may be that far behind. Default 4096. */
  windowChanges?: number;
  /** Bytes of the same. Default 32 MiB. */
  windowBytes?: number;
}

/** Entries of one read of history where a selector decides how many of them are wanted. */
const historyPageEntries = 500;

export function openWatchCache(options: WatchCacheOptions): WatchCache {
  const { store, clock, log, random = Math.random } = options;
  const window = {
    changes: options.windowChanges ?? 4096,
    sizeBytes: options.windowBytes ?? 32 * 1024 * 1024,
  };
  return new StoreWatchCache({ store, clock, log, random, window });
}

class StoreWatchCache implements WatchCache {
  readonly #deps: CacheDeps;
  readonly #resources = new Map<string, ResourceCache>();

  constructor(deps: CacheDeps) {
    this.#deps = deps;
  }

  async get(
    resource: string,
    key: string,
    { freshness = 'consistent', signal }: GetOptions = {},
  ): Promise<CachedObject | undefined> {
    const cache = this.#resource(resource);
    if (!cache.memory && typeof freshness === 'string') {
      // One object is no reason to read the whole type into memory.
      const entry = await this.#deps.store.get(resource, key);
      return entry && StoredObject.from(entry);
    }
    const memory = await memoryAt(cache, freshness, signal);
    return memory.snapshot.get(key);
  }

  async list(resource: string, options: ListOptions = {}): Promise<CachedPage> {
    const { prefix = '', match, freshness = 'consistent', limit = 0, after = '', signal } = options;
    const cache = this.#resource(resource);
    const selection = { prefix, match, limit, after };
    if (typeof freshness === 'object' && 'exact' in freshness) {
      return this.#listAt(resource, cache, freshness.exact, selection);
    }
    const memory = await memoryAt(cache, freshness, signal);
    return { ...memory.snapshot.select(selection), revision: memory.revision };
  }

  watch(resource: string, options: WatchOptions): Promise<CacheWatch> {
    return startWatch(resource, this.#resource(resource), this.#deps.store, options);
  }

  stats(): ReturnType<WatchCache['stats']> {
    return [...this.#resources].flatMap(([resource, { memory, watchers }]) =>
      memory ? [{ resource, objects: memory.snapshot.size, watchers, revision: memory.revision }] : [],
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#resources.values()].map((cache) => cache.close()));
  }

  #resource(name: string): ResourceCache {
    let cache = this.#resources.get(name);
    if (!cache) {
      cache = new ResourceCache(name, this.#deps);
      this.#resources.set(name, cache);
    }
    return cache;
  }

  async #listAt(
    resource: string,
    cache: ResourceCache,
    at: Revision,
    selection: Selection,
  ): Promise<CachedPage> {
    let memory = await cache.load();
    if (at > memory.revision) {
      memory = await cache.catchUp();
      if (at > memory.revision) throw tooLargeRevision(at, memory.revision);
    }
    return cache.selectAt(at, selection) ?? this.#listFromHistory(resource, at, selection);
  }

  async #listFromHistory(resource: string, at: Revision, selection: Selection): Promise<CachedPage> {
    const { prefix, match, limit } = selection;
    const items: CachedObject[] = [];
    let { after } = selection;
    for (;;) {
      const pageLimit = match || limit === 0 ? historyPageEntries : limit;
      const page = await this.#deps.store.list(resource, prefix, { at, limit: pageLimit, after });
      for (const entry of page.entries) {
        const object = StoredObject.from(entry);
        if (match && !match(object.object)) continue;
        if (limit > 0 && items.length === limit) return { items, revision: at, more: true };
        items.push(object);
      }
      const isFull = !match && limit > 0 && items.length >= limit;
      if (!page.more || isFull) {
        const more = page.more && isFull;
        return { items, revision: at, more, ...(more && { remaining: page.remaining }) };
      }
      after = page.entries.at(-1)?.key ?? after;
    }
  }
}

function memoryAt(
  cache: ResourceCache,
  freshness: Exclude<Freshness, { exact: Revision }>,
  signal?: AbortSignal,
) {
  if (freshness === 'any') return cache.load();
  if (freshness === 'consistent') return cache.catchUp();
  return cache.notOlderThan(freshness.notOlderThan, signal);
}

import { KumulusError } from '../../errors.ts';
import { tooLargeRevision } from '../errors.ts';
import type { Revision, Store, WatchBatch } from '../port.ts';
import { CachedChange, initialEvent } from './events.ts';
import type { CachedEvent, CacheWatch, EventBatch, WatchOptions } from './port.ts';
import type { Memory, ResourceCache } from './resource-cache.ts';

/** Events handed out at once. */
const batchEvents = 512;

/** Starts a watch: settles first where it begins, so that a bad `from` rejects before anything was handed out. */
export async function startWatch(
  resource: string,
  cache: ResourceCache,
  store: Store,
  options: WatchOptions,
): Promise<CacheWatch> {
  const { from, signal } = options;
  if (typeof from !== 'number') {
    const memory = await memoryFor(cache, from, signal);
    return new LiveWatch(cache, memory, options, initialBatch(memory, options));
  }
  let memory = await cache.load();
  if (from > memory.revision) {
    memory = await cache.catchUp();
    if (from > memory.revision) throw tooLargeRevision(from, memory.revision);
  }
  if (from >= memory.window.start) return new LiveWatch(cache, memory, options, from);
  const until = AbortSignal.any([signal, cache.closing]);
  const past = store.watch(resource, from, { signal: until })[Symbol.asyncIterator]();
  const first = await past.next();
  return new LiveWatch(cache, memory, options, { past, first, from });
}

function memoryFor(
  cache: ResourceCache,
  from: Exclude<WatchOptions['from'], number>,
  signal: AbortSignal,
): Promise<Memory> {
  if (from === 'any') return cache.load();
  if (from === 'consistent') return cache.catchUp();
  return cache.notOlderThan(from.initialNotOlderThan, signal);
}

function initialBatch(memory: Memory, { prefix = '', match }: WatchOptions): EventBatch {
  const { items } = memory.snapshot.select({ prefix, after: '', limit: 0, match });
  return { events: items.map(initialEvent), revision: memory.revision, initialEventsEnd: true };
}

/** Changes from before the window, read from the store's log by this watch alone until it has reached the window. */
interface Past {
  past: AsyncIterator<WatchBatch>;
  first: IteratorResult<WatchBatch>;
  from: Revision;
}

class LiveWatch implements CacheWatch {
  readonly #cache: ResourceCache;
  readonly #memory: Memory;
  readonly #options: WatchOptions;
  readonly #start: EventBatch | Past | Revision;
  #position: Revision;

  constructor(
    cache: ResourceCache,
    memory: Memory,
    options: WatchOptions,
    start: EventBatch | Past | Revision,
  ) {
    this.#cache = cache;
    this.#memory = memory;
    this.#options = options;
    this.#start = start;
    this.#position = typeof start === 'number' ? start : 'past' in start ? start.from : start.revision;
  }

  revision(): Revision {
    return this.#position;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventBatch> {
    this.#cache.watchers++;
    try {
      const start = this.#start;
      if (typeof start === 'object') {
        if ('past' in start) yield* this.#readPast(start);
        else yield start;
      }
      yield* this.#readWindow();
    } finally {
      this.#cache.watchers--;
    }
  }

  async *#readPast({ past, first }: Past): AsyncGenerator<EventBatch> {
    try {
      for (let step = first; !step.done; step = await past.next()) {
        const events: CachedEvent[] = [];
        for (const change of step.value.changes) this.#collect(new CachedChange(change, undefined), events);
        this.#position = step.value.revision;
        if (events.length > 0) yield { events, revision: this.#position };
        if (this.#position >= this.#memory.window.start) return;
      }
    } finally {
      await past.return?.();
    }
  }

  async *#readWindow(): AsyncGenerator<EventBatch> {
    const { signal } = this.#options;
    while (!signal.aborted && !this.#cache.closed) {
      const { window, abandoned } = this.#memory;
      if (abandoned || this.#position < window.start) throw this.#tooSlow();
      const events: CachedEvent[] = [];
      let index = window.indexAfter(this.#position);
      for (
        let change = window.at(index);
        change && events.length < batchEvents;
        change = window.at(++index)
      ) {
        this.#collect(change, events);
        this.#position = change.revision;
      }
      const isAtEnd = window.at(index) === undefined;
      if (isAtEnd) this.#position = this.#memory.revision;
      if (events.length > 0) yield { events, revision: this.#position };
      else if (isAtEnd) await this.#cache.nextMove(signal);
    }
  }

  #collect(change: CachedChange, events: CachedEvent[]): void {
    const { prefix, match } = this.#options;
    if (prefix && !change.key.startsWith(prefix)) return;
    const event = change.eventFor(match);
    if (event) events.push(event);
  }

  #tooSlow(): KumulusError {
    return new KumulusError(
      'Expired',
      `too old resource version: ${this.#position} (${this.#memory.window.start})`,
    );
  }
}

import { type Clock, pause } from '../../clock.ts';
import { isKind, KumulusError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { tooLargeRevision } from '../errors.ts';
import type { Revision, Store, WatchBatch } from '../port.ts';
import { RevisionWaiters, shareRuns } from './catch-up.ts';
import { CachedChange } from './events.ts';
import type { CachedPage } from './port.ts';
import { type Selection, Snapshot } from './snapshot.ts';
import { StoredObject } from './stored-object.ts';
import { Window, type WindowLimits } from './window.ts';

export interface CacheDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  random: () => number;
  window: WindowLimits;
}

/** As kube-apiserver's cacher: how long a request waits for a revision that is not there yet. */
const futureRevisionMs = 3000;
/** How long a consistent read waits for the log; after it, the store is not answering. */
const catchUpMs = 10_000;
const loadPageObjects = 1000;
const retryFirstMs = 50;
const retryMostMs = 5000;

/** What is in memory of a type: replaced as a whole when the cache had to begin anew. */
export interface Memory {
  readonly snapshot: Snapshot;
  readonly window: Window;
  revision: Revision;
  /** Set when this memory was given up: its watchers end with `Expired`. */
  abandoned: boolean;
}

/** One resource type in memory, and the one reader of its log. */
export class ResourceCache {
  readonly #resource: string;
  readonly #deps: CacheDeps;
  readonly #waiters: RevisionWaiters;
  readonly #closing = new AbortController();
  readonly #shareCatchUp: () => Promise<void>;
  #memory: Memory | undefined;
  #loading: Promise<Memory> | undefined;
  #reader: Promise<void> = Promise.resolve();
  #wake = new Set<() => void>();
  watchers = 0;

  constructor(resource: string, deps: CacheDeps) {
    this.#resource = resource;
    this.#deps = deps;
    this.#waiters = new RevisionWaiters(deps.clock);
    this.#shareCatchUp = shareRuns(() => this.#readHead());
  }

  /** The memory as it is, or undefined before the first load. */
  get memory(): Memory | undefined {
    return this.#memory;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Aborts with this cache. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The memory, loaded first when need be. Calls that overlap share the load. */
  async load(): Promise<Memory> {
    if (this.#memory) return this.#memory;
    this.#mustBeOpen();
    this.#loading ??= this.#readAll()
      .then((memory) => {
        this.#memory = memory;
        this.#reader = this.#readLog(memory);
        return memory;
      })
      .finally(() => {
        this.#loading = undefined;
      });
    return this.#loading;
  }

  /** The memory, holding at least everything that was acknowledged before the call. */
  async catchUp(): Promise<Memory> {
    // A load that begins now is of what is there now.
    if (!this.#memory && !this.#loading) return this.load();
    await this.load();
    await this.#shareCatchUp();
    return this.load();
  }

  /** The memory at `revision` or later. Rejects with cause `ResourceVersionTooLarge` when it does not come. */
  async notOlderThan(revision: Revision, signal?: AbortSignal): Promise<Memory> {
    let memory = await this.load();
    if (memory.revision >= revision) return memory;
    memory = await this.catchUp();
    if (memory.revision < revision) {
      const late = () => tooLargeRevision(revision, this.#memory?.revision ?? 0);
      await this.#waiters.wait(revision, futureRevisionMs, late, signal);
    }
    return this.load();
  }

  /** The page at exactly `revision` from memory, or undefined when only the store can tell. */
  selectAt(revision: Revision, selection: Selection): CachedPage | undefined {
    const memory = this.#memory;
    if (!memory || revision > memory.revision || revision < memory.window.start) return undefined;
    if (revision === memory.revision) return { ...memory.snapshot.select(selection), revision };
    return { ...memory.snapshot.select(selection, memory.window.statesAt(revision)), revision };
  }

  /** Resolves when the memory has moved on, was abandoned, or the signal aborts. */
  nextMove(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#wake.delete(wake);
        resolve();
      };
      if (signal.aborted || this.closed) return resolve();
      signal.addEventListener('abort', wake, { once: true });
      this.#wake.add(wake);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#waiters.fail(closedError());
    this.#wakeAll();
    await this.#reader;
  }

  async #readHead(): Promise<void> {
    const head = await this.#deps.store.head(this.#resource);
    if ((this.#memory?.revision ?? -1) >= head) return;
    await this.load();
    if ((this.#memory?.revision ?? -1) >= head) return;
    const late = () =>
      new KumulusError(
        'Timeout',
        `Timeout: the log of ${this.#resource} could not be read up to ${head} in time`,
        {
          details: { retryAfterSeconds: 1 },
        },
      );
    await this.#waiters.wait(head, catchUpMs, late);
  }

  async #readAll(): Promise<Memory> {
    const snapshot = new Snapshot();
    let after: string | undefined;
    let at: Revision | undefined;
    for (;;) {
      this.#mustBeOpen();
      const page = await this.#deps.store.list(this.#resource, '', { at, after, limit: loadPageObjects });
      for (const entry of page.entries) snapshot.set(StoredObject.from(entry));
      at = page.revision;
      after = page.entries.at(-1)?.key;
      if (!page.more) break;
    }
    return { snapshot, window: new Window(this.#deps.window, at), revision: at, abandoned: false };
  }

  /** Until closed. Begins anew from the whole type when history was lost, and goes on after other errors. */
  async #readLog(memory: Memory): Promise<void> {
    const { store, log, clock, random } = this.#deps;
    const { signal } = this.#closing;
    let waitMs = retryFirstMs;
    while (!signal.aborted) {
      try {
        for await (const batch of store.watch(this.#resource, memory.revision, { signal })) {
          this.#apply(memory, batch);
          waitMs = retryFirstMs;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isKind(error, 'Expired')) {
          log.warn({ resource: this.#resource }, 'the cache fell behind the history and is read anew');
          this.#abandon(memory);
          return;
        }
        log.warn({ resource: this.#resource, err: error }, 'the log could not be read; trying again');
        await pause(clock, waitMs * (0.5 + random()), signal);
        waitMs = Math.min(waitMs * 2, retryMostMs);
      }
    }
  }

  #apply(memory: Memory, batch: WatchBatch): void {
    for (const change of batch.changes) {
      if (change.revision <= memory.revision) continue;
      const cached = new CachedChange(change, memory.snapshot.get(change.key));
      if (cached.after) memory.snapshot.set(cached.after);
      else memory.snapshot.delete(change.key);
      memory.window.push(cached);
      memory.revision = change.revision;
    }
    memory.revision = Math.max(memory.revision, batch.revision);
    this.#waiters.reached(memory.revision);
    this.#wakeAll();
  }

  #abandon(memory: Memory): void {
    memory.abandoned = true;
    this.#memory = undefined;
    this.#wakeAll();
    // Whoever waits for a revision waits for the new memory; without anybody it is read when it is next asked for.
    void this.load().then(
      (fresh) => this.#waiters.reached(fresh.revision),
      (error: unknown) => this.#waiters.fail(error),
    );
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = new Set();
    for (const resolve of wake) resolve();
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedError();
  }
}

function closedError(): KumulusError {
  return new KumulusError('ServiceUnavailable', 'the watch cache is closed');
}

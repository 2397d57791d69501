import type { Clock } from '../../clock.ts';
import { KumulusError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { storeClosed, tooOld } from '../errors.ts';
import {
  type Entry,
  type ListOptions,
  type Mutation,
  type Page,
  type RestorableStore,
  type Revision,
  StoreConflict,
  type WatchBatch,
} from '../port.ts';
import { failureKind, translateAwsError, withRetries } from './aws-errors.ts';
import { blobsIn } from './body.ts';
import type { DynamoCalls } from './calls.ts';
import type { Context, IsQuiet } from './context.ts';
import { counterKey } from './items.ts';
import { listSnapshot } from './lister.ts';
import { LogReader, type SeenCounter } from './log-reader.ts';
import { Writer } from './writer.ts';

export {
  callsOf,
  type Consumed,
  createDynamoClient,
  type DynamoCalls,
  type DynamoClientOptions,
} from './calls.ts';
export { createStreamReader, type StreamChange, type StreamRecord } from './stream.ts';
export { ensureTable } from './table.ts';

export interface DynamoStoreOptions {
  /** From `callsOf(createDynamoClient(…))`; the caller ends the client. */
  calls: DynamoCalls;
  table: string;
  clock: Clock;
  log: Logger;
  /** Between 0 and 1, for jitter. Default `Math.random`. */
  random?: () => number;
  /** How long history reaches back. Default ten minutes; less than five leaves too little for late writers. */
  historyMs?: number;
  /** How long a watch waits between looks at the log: after a change, and at most when nothing happens. */
  pollMs?: { busy: number; idle: number };
  /** Default: none. Watches show such updates as any other. */
  isQuiet?: IsQuiet;
}

/** A watch begins with a look at the counter, unless it was read so lately: as a rule a list has come before it. */
const justReadMs = 100;
/** Changes of one step of a watch. */
const batchChanges = 256;

/** The versioned store in one DynamoDB table; `docs/store.md` has its proof. */
export function openDynamoStore(options: DynamoStoreOptions): RestorableStore {
  const { calls, table, clock, log, random = Math.random, historyMs = 600_000, isQuiet } = options;
  const blobs = blobsIn(table, calls, { clock, random });
  const context: Context = { calls, table, clock, log, random, historyMs, blobs, isQuiet };
  return new DynamoStore(context, options.pollMs ?? { busy: 100, idle: 1000 });
}

interface RunningWatch {
  /** How far it has come. */
  position: Revision;
  /** What has just been read: by `head` for the watch that it wakes, or by the list that the watch goes on from. */
  fresh?: SeenCounter | undefined;
}

class DynamoStore implements RestorableStore {
  readonly #context: Context;
  readonly #reader: LogReader;
  readonly #writer: Writer;
  readonly #pollMs: { busy: number; idle: number };
  readonly #closing = new AbortController();
  readonly #pokes = new Map<string, Set<() => void>>();
  /** The watches of this process, by type. */
  readonly #watches = new Map<string, Set<RunningWatch>>();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(context: Context, pollMs: { busy: number; idle: number }) {
    this.#context = context;
    this.#pollMs = pollMs;
    this.#reader = new LogReader(context);
    this.#writer = new Writer(context, this.#reader);
  }

  async commit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]> {
    const revisions = await this.#run(() => this.#commit(resource, mutations));
    this.#poke(resource);
    return revisions;
  }

  async #commit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]> {
    const revisions = await this.#writer.commit(resource, mutations).catch(async (error: unknown) => {
      if (error instanceof StoreConflict && error.current)
        await this.#reader.settleTo(resource, error.current.revision);
      throw error;
    });
    try {
      await this.#reader.settleTo(resource, revisions.at(-1) ?? 0);
    } catch (cause) {
      // Not as it is: throttling says that nothing was written.
      throw new KumulusError(
        'Timeout',
        `Timeout: the write to ${resource} is done, and DynamoDB did not say what came before it`,
        { cause, details: { retryAfterSeconds: 1 } },
      );
    }
    return revisions;
  }

  get(resource: string, key: string): Promise<Entry | undefined> {
    return this.#run(async () => {
      const { entry, revision } = await this.#writer.get(resource, key);
      await this.#reader.settleTo(resource, revision);
      return entry;
    });
  }

  list(resource: string, prefix: string, options: ListOptions = {}): Promise<Page> {
    return this.#run(() => listSnapshot(this.#context, this.#reader, resource, prefix, options));
  }

  async head(resource: string): Promise<Revision> {
    const counter = await this.#run(async () => {
      const found = await this.#reader.counter(resource);
      await this.#reader.settle(resource, found);
      return found;
    });
    // A reader that asks is about to wait for one of this process' watches to reach what it was told.
    const behind = [...(this.#watches.get(resource) ?? [])].filter(({ position }) => position < counter.head);
    for (const watch of behind) watch.fresh = counter;
    if (behind.length > 0) this.#poke(resource);
    return counter.head;
  }

  async *watch(
    resource: string,
    from: Revision,
    { signal }: { signal: AbortSignal },
  ): AsyncIterable<WatchBatch> {
    const state: RunningWatch = { position: from, fresh: this.#reader.recentCounter(resource, justReadMs) };
    const all = this.#watches.get(resource) ?? new Set();
    this.#watches.set(resource, all);
    all.add(state);
    try {
      yield* this.#follow(resource, state, signal);
    } finally {
      all.delete(state);
    }
  }

  async *#follow(resource: string, state: RunningWatch, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const until = AbortSignal.any([signal, this.#closing.signal]);
    let waitMs = this.#pollMs.busy;
    let isFirst = true;
    while (!signal.aborted) {
      const next = this.#poked(resource, until);
      const batch = await this.#run(() => this.#after(resource, state));
      if (batch.revision > state.position || isFirst) {
        state.position = Math.max(state.position, batch.revision);
        isFirst = false;
        waitMs = this.#pollMs.busy;
        if (!batch.isCaughtUp) next.cancel();
        yield { changes: batch.changes, revision: batch.revision };
        if (!batch.isCaughtUp) continue;
      }
      await next.wait(waitMs * (0.75 + this.#context.random() / 2));
      waitMs = Math.min(this.#pollMs.idle, waitMs * 1.5);
    }
  }

  async resources(): Promise<string[]> {
    const { calls, table } = this.#context;
    return this.#run(async () => {
      const names: string[] = [];
      let ExclusiveStartKey: Awaited<ReturnType<DynamoCalls['query']>>['LastEvaluatedKey'];
      do {
        const page = await withRetries(this.#context, () =>
          calls.query({
            TableName: table,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': { S: 'resources' } },
            ConsistentRead: true,
            ExclusiveStartKey,
          }),
        );
        for (const item of page.Items ?? []) names.push(item.sk?.S ?? '');
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return names;
    });
  }

  async advance(resource: string, revision: Revision): Promise<void> {
    const { calls, table } = this.#context;
    await this.#run(async () => {
      await this.#writer.register(resource);
      try {
        await withRetries(this.#context, () =>
          calls.update({
            TableName: table,
            Key: counterKey(resource),
            // A head from long ago: nothing before it is history any more.
            UpdateExpression: 'SET head = :head, floor = :head, lastAt = :never REMOVE marks',
            ConditionExpression: 'attribute_not_exists(head) OR head < :head',
            ExpressionAttributeValues: { ':head': { N: String(revision) }, ':never': { N: '0' } },
          }),
        );
      } catch (error) {
        if (failureKind(error) !== 'condition') throw error;
      }
    });
    this.#poke(resource);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#underWay]);
  }

  /** What there is to read after `position`, in one read unit when that is nothing. */
  async #after(resource: string, state: RunningWatch): Promise<WatchBatch & { isCaughtUp: boolean }> {
    const { position, fresh } = state;
    state.fresh = undefined;
    const counter = fresh && fresh.head >= position ? fresh : await this.#reader.counter(resource);
    if (position < this.#reader.horizon(counter)) throw tooOld('watch');
    const to = Math.min(counter.head, position + batchChanges);
    if (to <= position) return { changes: [], revision: position, isCaughtUp: true };
    const entries = await this.#reader.read(resource, position, to, counter);
    const changes = await Promise.all(entries.map((entry) => this.#reader.change(entry)));
    return { changes, revision: to, isCaughtUp: to === counter.head };
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw storeClosed();
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      throw translateAwsError(error);
    } finally {
      this.#underWay.delete(running);
    }
  }

  #poke(resource: string): void {
    const waiting = this.#pokes.get(resource);
    this.#pokes.delete(resource);
    for (const wake of waiting ?? []) wake();
  }

  /** Listens for the next poke from now on, so that one that comes during a read is not missed. */
  #poked(resource: string, signal: AbortSignal): { wait(ms: number): Promise<void>; cancel(): void } {
    const { clock } = this.#context;
    const woken = new AbortController();
    const wake = () => woken.abort();
    const waiting = this.#pokes.get(resource) ?? new Set();
    this.#pokes.set(resource, waiting);
    waiting.add(wake);
    const cancel = () => {
      waiting.delete(wake);
    };
    return {
      cancel,
      wait: async (ms) => {
        if (!woken.signal.aborted) {
          await clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => {
            // Woken early, which is what the signals are for.
          });
        }
        cancel();
      },
    };
  }
}

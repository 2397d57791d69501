import { tooOld } from '../errors.ts';
import type { Change, Revision } from '../port.ts';
import { AppliedFloor } from './applied-floor.ts';
import { failureKind, withRetries } from './aws-errors.ts';
import { decompress } from './body.ts';
import type { Context } from './context.ts';
import { readingShare, ttlSeconds } from './context.ts';
import { type Counter, horizonOf, parseCounter } from './counter.ts';
import {
  blockEnd,
  counterKey,
  formatLog,
  type LogItem,
  logKey,
  logPartition,
  paddedRevision,
  parseLog,
} from './items.ts';

/** How long a reader waits for a pending revision before it settles it. */
const patienceMs = [10, 20, 40, 80];
/** How long a reader waits for writers of its own process, which say themselves when they have ended. */
const ownPatienceMs = 1000;
/** Entries kept of each type, so that what was just read or written is not read again. */
const rememberedEntries = 512;
/** The counter's floor is written back for other processes when it lags so far behind. */
const floorLag = 64;

/** A counter, and a time at which it was as it says or had yet to become so. */
export type SeenCounter = Counter & { seenAtMs: number };
export type LogChange = Exclude<LogItem, { kind: 'gap' }>;

/**
 * Reads logs so that nothing can appear any more in what was read. A revision below the head without an entry is
 * *pending*: its writer is between taking it and committing, or died there. A reader waits a little and then writes
 * a tombstone where the entry would be; both writes demand that nothing is there, so that exactly one of them wins.
 */
export class LogReader {
  readonly #context: Context;
  /** Per type: every revision at or below it is settled. */
  readonly #floors = new Map<string, Revision>();
  readonly #applied = new Map<string, AppliedFloor>();
  readonly #counters = new Map<string, SeenCounter>();
  /** An entry never changes once it is there, so that one that was seen is as good as one that is read. */
  readonly #seen = new Map<string, Map<Revision, LogItem>>();

  /** Revisions that this process has taken and not ended yet. */
  readonly #underWay = new Map<string, Map<Revision, Promise<void>>>();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Told of `count` revisions from `first` on that a writer of this process has taken, so that they are waited for
   * without a call; the writer calls the answer when it has ended, however that was.
   */
  began(resource: string, first: Revision, count: number): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const own = this.#underWay.get(resource) ?? new Map<Revision, Promise<void>>();
    this.#underWay.set(resource, own);
    for (let revision = first; revision < first + count; revision++) own.set(revision, promise);
    return () => {
      for (let revision = first; revision < first + count; revision++) own.delete(revision);
      if (own.size === 0 && this.#underWay.get(resource) === own) this.#underWay.delete(resource);
      resolve();
    };
  }

  /** Told of a counter that was read in passing. */
  noted(resource: string, counter: Counter): void {
    const floor = Math.max(counter.floor, this.horizon(counter));
    if (floor > this.floor(resource)) this.#floors.set(resource, floor);
    this.#appliedOf(resource).know(floor);
  }

  /**
   * Whoever is told `revision` may go on from it: to a watch, or to a read of another key, that then must not miss what
   * has a lesser revision. So nothing may appear below it any more. Costs nothing where this process has read or written
   * everything up to it.
   */
  async settleTo(resource: string, revision: Revision): Promise<void> {
    if (revision <= this.floor(resource)) return;
    await this.#ownWriters(resource, this.floor(resource), revision);
    const floor = this.floor(resource);
    // Without a gap in what is remembered, the counter has nothing to add.
    const isKnown = missing(this.#remembered(resource, floor, revision), floor, revision).length === 0;
    const counter = isKnown ? undefined : await this.counter(resource);
    if (revision > this.floor(resource)) await this.#settled(resource, this.floor(resource), revision);
    if (counter) await this.#writeFloor(resource, counter);
  }

  /** One read unit: the counter as it is now. */
  async counter(resource: string): Promise<SeenCounter> {
    const { calls, table, clock } = this.#context;
    const seenAtMs = clock.now();
    const { Item } = await withRetries(this.#context, () =>
      calls.get({ TableName: table, Key: counterKey(resource), ConsistentRead: true }),
    );
    const counter = { ...parseCounter(Item), seenAtMs };
    this.noted(resource, counter);
    this.#counters.set(resource, counter);
    return counter;
  }

  /** The counter as it was not longer ago than `ageMs`, where this process has read it since. */
  recentCounter(resource: string, ageMs: number): SeenCounter | undefined {
    const counter = this.#counters.get(resource);
    return counter && this.#context.clock.now() - counter.seenAtMs <= ageMs ? counter : undefined;
  }

  horizon(counter: Counter): Revision {
    return horizonOf(counter, this.#context.clock.now(), this.#context.historyMs);
  }

  floor(resource: string): Revision {
    return this.#floors.get(resource) ?? 0;
  }

  /** Every revision at or below it is settled, and a read of the objects shows what was committed at it. */
  applied(resource: string): Revision {
    return this.#appliedOf(resource).floor(this.#context.clock.now());
  }

  /** Settles everything up to the counter's head, so that it is a revision at which nothing can appear any more. */
  async settle(resource: string, counter: Counter): Promise<void> {
    const floor = this.floor(resource);
    if (floor < counter.head) await this.#settled(resource, floor, counter.head);
    await this.#writeFloor(resource, counter);
  }

  /**
   * Every change in (from, to], settled. `from` was within history when `counter` was read, and `to` is not over the head.
   * Throws `Expired` when an entry is missing that was settled before, as its time to live has ended, and when that may be
   * so unseen: the process stood still, and took what was gone for pending.
   */
  async read(
    resource: string,
    from: Revision,
    to: Revision,
    counter: SeenCounter,
    signal?: AbortSignal,
  ): Promise<LogChange[]> {
    const { entries, isWhole } = await this.#settled(resource, from, to, signal);
    const { clock, historyMs } = this.#context;
    if (!isWhole || clock.now() - counter.seenAtMs > historyMs * readingShare) throw tooOld('watch');
    return [...entries.values()]
      .filter((entry) => entry.kind !== 'gap')
      .sort((a, b) => a.revision - b.revision);
  }

  /** Settles (from, to]. Not whole: an entry is missing that was settled before, as its time to live has ended. */
  async #settled(
    resource: string,
    from: Revision,
    to: Revision,
    signal?: AbortSignal,
  ): Promise<{ entries: Map<Revision, LogItem>; isWhole: boolean }> {
    await this.#ownWriters(resource, from, to, signal);
    const entries = this.#remembered(resource, from, to);
    let isWhole = true;
    for (let attempt = 0; ; attempt++) {
      // As it was before the query: while its answer is on the way, another reader may settle what it saw pending.
      const settled = this.floor(resource);
      const unknown = missing(entries, from, to);
      if (unknown.length > 0) await this.#query(resource, unknown[0] as Revision, to, entries);
      const still = missing(entries, from, to);
      const pending = still.filter((revision) => revision > settled);
      isWhole = pending.length === still.length;
      if (pending.length === 0) break;
      const waitMs = patienceMs[attempt];
      if (waitMs !== undefined) await this.#context.clock.sleep(waitMs, signal);
      else for (const revision of pending) entries.set(revision, await this.giveUp(resource, revision));
    }
    if (from <= this.floor(resource)) this.#raise(resource, to);
    return { entries, isWhole };
  }

  /** Settles one revision with a tombstone, unless its entry is there; returns what is there then. */
  async giveUp(resource: string, revision: Revision): Promise<LogItem> {
    const { calls, table } = this.#context;
    const gap: LogItem = { kind: 'gap', revision };
    try {
      await withRetries(this.#context, () =>
        calls.put({
          TableName: table,
          Item: formatLog(resource, gap, ttlSeconds(this.#context)),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
      this.remember(resource, gap);
      return gap;
    } catch (error) {
      if (failureKind(error) !== 'condition') throw error;
      return (await this.entry(resource, revision)) ?? gap;
    }
  }

  /** Told of every entry that is certain to be there. */
  remember(resource: string, entry: LogItem): void {
    const seen = this.#seen.get(resource) ?? new Map<Revision, LogItem>();
    this.#seen.set(resource, seen);
    seen.set(entry.revision, entry);
    for (const oldest of seen.keys()) {
      if (seen.size <= rememberedEntries) break;
      seen.delete(oldest);
    }
  }

  async #ownWriters(resource: string, from: Revision, to: Revision, signal?: AbortSignal): Promise<void> {
    const ends = [...(this.#underWay.get(resource) ?? [])]
      .filter(([revision]) => revision > from && revision <= to)
      .map(([, end]) => end);
    if (ends.length === 0) return;
    const ended = new AbortController();
    const patience = this.#context.clock
      .sleep(ownPatienceMs, signal ? AbortSignal.any([signal, ended.signal]) : ended.signal)
      .catch(() => {
        // They have ended, or the read below is told by the signal itself.
      });
    await Promise.race([Promise.all(ends), patience]);
    ended.abort();
  }

  #remembered(resource: string, from: Revision, to: Revision): Map<Revision, LogItem> {
    const entries = new Map<Revision, LogItem>();
    for (const [revision, entry] of this.#seen.get(resource) ?? []) {
      if (revision > from && revision <= to) entries.set(revision, entry);
    }
    return entries;
  }

  async entry(resource: string, revision: Revision): Promise<LogItem | undefined> {
    const { calls, table } = this.#context;
    const { Item } = await withRetries(this.#context, () =>
      calls.get({ TableName: table, Key: logKey(resource, revision), ConsistentRead: true }),
    );
    return Item && parseLog(Item);
  }

  /** The change with its bodies. */
  async change(entry: LogChange): Promise<Change> {
    const both = decompress(await this.#context.blobs.unpack(entry.packed));
    const after = both.subarray(0, entry.afterBytes);
    const { key, revision, previous } = entry;
    return {
      key,
      revision,
      before: previous > 0 ? { key, revision: previous, body: both.subarray(entry.afterBytes) } : undefined,
      after: entry.kind === 'put' ? { key, revision, body: after } : undefined,
      last: entry.kind === 'delete' ? after : undefined,
    };
  }

  async #query(resource: string, from: Revision, to: Revision, into: Map<Revision, LogItem>): Promise<void> {
    const { calls, table } = this.#context;
    for (let start = from; start <= to; start = blockEnd(start) + 1) {
      let ExclusiveStartKey: Record<string, { S: string }> | undefined;
      do {
        const page = await withRetries(this.#context, () =>
          calls.query({
            TableName: table,
            KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
            ExpressionAttributeValues: {
              ':pk': { S: logPartition(resource, start) },
              ':from': { S: paddedRevision(start) },
              ':to': { S: paddedRevision(Math.min(to, blockEnd(start))) },
            },
            ConsistentRead: true,
            ExclusiveStartKey,
          }),
        );
        for (const item of page.Items ?? []) {
          const entry = parseLog(item);
          into.set(entry.revision, entry);
          this.remember(resource, entry);
        }
        ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
      } while (ExclusiveStartKey);
    }
  }

  #raise(resource: string, revision: Revision): void {
    if (revision <= this.floor(resource)) return;
    this.#floors.set(resource, revision);
    this.#appliedOf(resource).settled(revision, this.#context.clock.now());
  }

  #appliedOf(resource: string): AppliedFloor {
    const applied = this.#applied.get(resource) ?? new AppliedFloor();
    this.#applied.set(resource, applied);
    return applied;
  }

  /** Only saves others reading; whoever loses the race has nothing to do. */
  async #writeFloor(resource: string, counter: Counter): Promise<void> {
    const { calls, table, log } = this.#context;
    const floor = this.applied(resource);
    if (floor - counter.floor < floorLag) return;
    try {
      await calls.update({
        TableName: table,
        Key: counterKey(resource),
        UpdateExpression: 'SET floor = :floor',
        ConditionExpression: 'attribute_not_exists(floor) OR floor < :floor',
        ExpressionAttributeValues: { ':floor': { N: String(floor) } },
      });
    } catch (error) {
      if (failureKind(error) !== 'condition')
        log.debug({ err: error, resource }, 'the floor was not written back');
    }
  }
}

function missing(entries: ReadonlyMap<Revision, LogItem>, from: Revision, to: Revision): Revision[] {
  const revisions: Revision[] = [];
  for (let revision = from + 1; revision <= to; revision++)
    if (!entries.has(revision)) revisions.push(revision);
  return revisions;
}

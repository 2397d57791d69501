import { randomUUID } from 'node:crypto';
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { KumulusError } from '../../errors.ts';
import { bodyTooLarge, throttled } from '../errors.ts';
import { type Entry, maxStoredBytes, type Mutation, type Revision, StoreConflict } from '../port.ts';
import { cancellationReasons, failureKind, withRetries } from './aws-errors.ts';
import { compress, decompress, type Packed } from './body.ts';
import { type Context, ttlSeconds } from './context.ts';
import { formatMarks, marksAfter, parseCounter } from './counter.ts';
import {
  counterKey,
  formatLog,
  formatObject,
  type Item,
  type LogItem,
  objectKey,
  parseObject,
  resourceKey,
} from './items.ts';
import type { LogReader } from './log-reader.ts';

/** DynamoDB's limits on a transaction, of which a mutation takes two actions. */
const transactionActions = 100;
const transactionBytes = 4 * 1024 * 1024;
/** Revisions tried for one commit before it is told that there are too many writers. */
const commitTries = 6;
/** A revision is not written any more so long after it was taken: readers take older ones for settled. */
const revisionLifeShare = 0.1;

/** The object may be created: it never was there, or what is left of it is a deletion older than the new revision. */
const isFree =
  'attribute_not_exists(pk) OR (attribute_not_exists(b) AND attribute_not_exists(bid) AND rv < :rv)';
/** The object is still at the revision that the caller has seen. */
const isUnchanged = 'rv = :expected AND (attribute_exists(b) OR attribute_exists(bid))';
/** The revision was not settled by a reader. */
const isPending = 'attribute_not_exists(pk)';

/** A key's present state: what it costs to know it is saved by remembering what was read or written last. */
interface Known {
  entry: Entry;
  packed: Packed;
}
const rememberedBytes = 32 * 1024 * 1024;

export class Writer {
  readonly #context: Context;
  readonly #reader: LogReader;
  readonly #registered = new Set<string>();
  readonly #known = new Map<string, Known>();
  #knownBytes = 0;

  constructor(context: Context, reader: LogReader) {
    this.#context = context;
    this.#reader = reader;
  }

  async commit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]> {
    check(mutations);
    if (mutations.length === 0) return [];
    await this.register(resource);
    for (let attempt = 1; attempt <= commitTries; attempt++) {
      const before = await this.#states(resource, mutations);
      const revisions = await this.#attempt(resource, mutations, before);
      if (revisions) return revisions;
      await this.#context.clock.sleep(20 * 2 ** attempt * this.#context.random());
    }
    throw throttled(`too many writers of ${resource} at once`);
  }

  /** Linearizable; two read units for each 4 KB. `revision` is that of the entry, or of its deletion while that is known. */
  async get(resource: string, key: string): Promise<{ entry: Entry | undefined; revision: Revision }> {
    const { known, revision } = await this.#read(resource, key);
    return { entry: known?.entry, revision };
  }

  /** The states that the mutations replace, in their order; rejects with what is in their way already. */
  async #states(resource: string, mutations: readonly Mutation[]): Promise<(Known | undefined)[]> {
    const states: (Known | undefined)[] = [];
    for (const mutation of mutations) {
      if (mutation.op === 'create') {
        states.push(undefined);
        continue;
      }
      let state = this.#known.get(`${resource}#${mutation.key}`);
      // A revision names one body for ever, so that a remembered one needs no second look.
      if (state?.entry.revision !== mutation.expected)
        state = (await this.#read(resource, mutation.key)).known;
      if (!state) throw new StoreConflict('NotFound', mutation.key, undefined);
      if (state.entry.revision !== mutation.expected) {
        throw new StoreConflict('Conflict', mutation.key, state.entry);
      }
      states.push(state);
    }
    return states;
  }

  /** Takes revisions and tries to commit at them. Undefined when another try with new ones is worth it. */
  async #attempt(
    resource: string,
    mutations: readonly Mutation[],
    before: readonly (Known | undefined)[],
  ): Promise<Revision[] | undefined> {
    const { clock, blobs } = this.#context;
    const bodies: Attempt['bodies'] = [];
    const written: Packed[] = [];
    for (const [i, { op, body }] of mutations.entries()) {
      const previous = before[i]?.entry.body;
      const log = await blobs.pack(previous ? compress(body, previous) : compress(body));
      const object = op === 'delete' ? undefined : await blobs.pack(compress(body));
      bodies.push({ object, log });
      written.push(log, ...(object ? [object] : []));
    }
    const takenAtMs = clock.now();
    const first = await this.#take(resource, mutations.length);
    const ended = this.#reader.began(resource, first, mutations.length);
    try {
      return await this.#attemptAt(resource, mutations, before, { first, takenAtMs, bodies, written });
    } finally {
      ended();
    }
  }

  async #attemptAt(
    resource: string,
    mutations: readonly Mutation[],
    before: readonly (Known | undefined)[],
    { first, takenAtMs, bodies, written }: Attempt,
  ): Promise<Revision[] | undefined> {
    const { historyMs, isQuiet } = this.#context;
    const isQuietAt = (i: number, { op, body }: Mutation) => {
      const previous = before[i]?.entry.body;
      return op === 'replace' && previous !== undefined && isQuiet?.(resource, previous, body) === true;
    };
    const writer = randomUUID();
    const ttl = ttlSeconds(this.#context);
    const entries = mutations.map(
      (mutation, i): Exclude<LogItem, { kind: 'gap' }> => ({
        kind: mutation.op === 'delete' ? 'delete' : 'put',
        revision: first + i,
        writer,
        key: mutation.key,
        packed: bodies[i]?.log ?? { bytes: new Uint8Array(0) },
        afterBytes: mutation.body.length,
        previous: mutation.op === 'create' ? 0 : mutation.expected,
        isQuiet: isQuietAt(i, mutation),
      }),
    );
    const actions = mutations.flatMap((mutation, i) =>
      this.#actions(resource, mutation, first + i, bodies[i]?.object, entries[i] as LogItem, ttl),
    );
    const deadlineMs = takenAtMs + historyMs * revisionLifeShare;
    // An error from here leaves open whether the commit happened, so that its parts must stay.
    const outcome = await this.#transact(resource, actions, entries, deadlineMs);
    if (outcome === 'committed') {
      for (const entry of entries) this.#reader.remember(resource, entry);
      for (const [i, mutation] of mutations.entries()) {
        const old = before[i]?.packed;
        if (old) await this.#expire(old);
        const packed = bodies[i]?.object;
        if (packed)
          this.#remember(resource, { key: mutation.key, revision: first + i, body: mutation.body }, packed);
        else this.#forget(resource, mutation.key);
        const log = bodies[i]?.log;
        if (log) await this.#expire(log);
      }
      return mutations.map((_, i) => first + i);
    }
    await this.#discard(written);
    if (outcome === 'settled') return undefined;
    if ('failure' in outcome) throw outcome.failure;
    return this.#explain(resource, mutations, outcome);
  }

  /** Two round trips at most: the transaction, and what became of it where the answer does not say. */
  async #transact(
    resource: string,
    actions: TransactWriteItem[],
    entries: readonly Exclude<LogItem, { kind: 'gap' }>[],
    deadlineMs: number,
  ): Promise<Outcome> {
    const { calls, clock, random } = this.#context;
    const ClientRequestToken = randomUUID();
    let failure: unknown;
    for (let attempt = 1; attempt <= 6 && clock.now() < deadlineMs; attempt++) {
      try {
        await calls.transact({ TransactItems: actions, ClientRequestToken });
        return 'committed';
      } catch (error) {
        failure = error;
        const kind = failureKind(error);
        if (kind === 'cancelled' || kind === 'other') break;
        await clock.sleep(10 * 2 ** attempt * random());
      }
    }
    // The log tells: the entry is there and ours, or the tombstone that is put in its place ends the matter.
    const fate = await this.#settleOwn(resource, entries).catch((cause: unknown) => {
      throw new KumulusError(
        'Timeout',
        `Timeout: DynamoDB did not say what became of the write to ${resource}`,
        {
          cause,
          details: { retryAfterSeconds: 1 },
        },
      );
    });
    if (fate === 'committed') return 'committed';
    if (failureKind(failure) !== 'cancelled') {
      if (failure === undefined || failureKind(failure) === 'contended') return 'settled';
      return { failure };
    }
    const reasons = cancellationReasons(failure);
    const onObject = entries.findIndex((_, i) => reasons[2 * i] === 'ConditionalCheckFailed');
    return onObject < 0 ? 'settled' : { conflictAt: onObject };
  }

  async #settleOwn(
    resource: string,
    entries: readonly Exclude<LogItem, { kind: 'gap' }>[],
  ): Promise<'committed' | 'absent'> {
    let isCommitted = false;
    for (const { revision, writer } of entries) {
      const found = await this.#reader.giveUp(resource, revision);
      if (found.kind !== 'gap' && found.writer === writer) isCommitted = true;
    }
    return isCommitted ? 'committed' : 'absent';
  }

  #actions(
    resource: string,
    mutation: Mutation,
    revision: Revision,
    packed: Packed | undefined,
    entry: LogItem,
    ttl: number,
  ): TransactWriteItem[] {
    const { table } = this.#context;
    const isCreate = mutation.op === 'create';
    const values: Item = isCreate
      ? { ':rv': { N: String(revision) } }
      : { ':expected': { N: String(mutation.expected) } };
    return [
      {
        Put: {
          TableName: table,
          Item: formatObject(
            resource,
            { key: mutation.key, revision, packed },
            mutation.op === 'delete' ? ttl : undefined,
          ),
          ConditionExpression: isCreate ? isFree : isUnchanged,
          ExpressionAttributeValues: values,
        },
      },
      { Put: { TableName: table, Item: formatLog(resource, entry, ttl), ConditionExpression: isPending } },
    ];
  }

  /** What stands in the way of the mutation; undefined when it has gone meanwhile, and another try is worth it. */
  async #explain(
    resource: string,
    mutations: readonly Mutation[],
    { conflictAt }: { conflictAt: number },
  ): Promise<undefined> {
    const mutation = mutations[conflictAt] as Mutation;
    this.#forget(resource, mutation.key);
    const current = (await this.#read(resource, mutation.key)).known?.entry;
    if (mutation.op === 'create') {
      if (current) throw new StoreConflict('AlreadyExists', mutation.key, current);
    } else if (current?.revision !== mutation.expected) {
      throw new StoreConflict(current ? 'Conflict' : 'NotFound', mutation.key, current);
    }
    return undefined;
  }

  /** Takes `count` revisions and returns the first. A repeated call leaves a gap, which readers settle. */
  async #take(resource: string, count: number): Promise<Revision> {
    const { calls, table, clock, historyMs } = this.#context;
    const nowMs = clock.now();
    const { Attributes } = await withRetries(this.#context, () =>
      calls.update({
        TableName: table,
        Key: counterKey(resource),
        UpdateExpression: 'ADD head :count SET lastAt = :now',
        ExpressionAttributeValues: { ':count': { N: String(count) }, ':now': { N: String(nowMs) } },
        ReturnValues: 'ALL_OLD',
      }),
    );
    const old = parseCounter(Attributes);
    this.#reader.noted(resource, old);
    const marks = marksAfter(old, historyMs);
    if (marks) await this.#writeMarks(resource, Attributes?.marks?.S, formatMarks(marks));
    return old.head + 1;
  }

  async #writeMarks(resource: string, from: string | undefined, to: string): Promise<void> {
    const { calls, table } = this.#context;
    try {
      await withRetries(this.#context, () =>
        calls.update({
          TableName: table,
          Key: counterKey(resource),
          UpdateExpression: 'SET marks = :to',
          ConditionExpression: from === undefined ? 'attribute_not_exists(marks)' : 'marks = :from',
          ExpressionAttributeValues: {
            ':to': { S: to },
            ...(from !== undefined && { ':from': { S: from } }),
          },
        }),
      );
    } catch (error) {
      // Another writer has set the mark.
      if (failureKind(error) !== 'condition') throw error;
    }
  }

  /** Makes the type one of `resources()`; once a process and type. */
  async register(resource: string): Promise<void> {
    if (resource === '') throw new KumulusError('BadRequest', 'resource: Required value');
    if (this.#registered.has(resource)) return;
    const { calls, table } = this.#context;
    const Key = resourceKey(resource);
    const { Item } = await withRetries(this.#context, () =>
      calls.get({ TableName: table, Key, ConsistentRead: true }),
    );
    if (!Item) await withRetries(this.#context, () => calls.put({ TableName: table, Item: Key }));
    this.#registered.add(resource);
  }

  /**
   * Read as a transaction, which waits for one that is under way: a plain read may still show the state before it, though
   * the log, or the object to another reader, has shown the one after it already (`AppliedFloor`).
   */
  async #read(resource: string, key: string): Promise<{ known: Known | undefined; revision: Revision }> {
    const { calls, table, blobs } = this.#context;
    if (key === '') return { known: undefined, revision: 0 };
    const Get = { TableName: table, Key: objectKey(resource, key) };
    const { Responses } = await withRetries(this.#context, () =>
      calls.transactGet({ TransactItems: [{ Get }] }),
    );
    const item = Responses?.[0]?.Item;
    if (!item) return { known: undefined, revision: 0 };
    const { revision, packed } = parseObject(item);
    if (!packed) return { known: undefined, revision };
    const entry = { key, revision, body: decompress(await blobs.unpack(packed)) };
    this.#remember(resource, entry, packed);
    return { known: { entry, packed }, revision };
  }

  #remember(resource: string, entry: Entry, packed: Packed): void {
    this.#forget(resource, entry.key);
    this.#known.set(`${resource}#${entry.key}`, { entry, packed });
    this.#knownBytes += entry.body.length;
    for (const [name, { entry: oldest }] of this.#known) {
      if (this.#knownBytes <= rememberedBytes) break;
      this.#known.delete(name);
      this.#knownBytes -= oldest.body.length;
    }
  }

  #forget(resource: string, key: string): void {
    const name = `${resource}#${key}`;
    this.#knownBytes -= this.#known.get(name)?.entry.body.length ?? 0;
    this.#known.delete(name);
  }

  /** Parts that nothing present refers to any more. What is not given up here only costs its storage. */
  async #expire(packed: Packed): Promise<void> {
    try {
      await this.#context.blobs.expire(packed, ttlSeconds(this.#context));
    } catch (error) {
      this.#context.log.warn({ err: error }, 'parts of a body that was replaced were not given up');
    }
  }

  async #discard(packed: readonly Packed[]): Promise<void> {
    for (const one of packed) await this.#expire(one);
  }
}

/** A commit whose revisions, from `first` on, are taken. */
interface Attempt {
  first: Revision;
  takenAtMs: number;
  bodies: { object: Packed | undefined; log: Packed }[];
  /** All that may have been stored as parts. */
  written: Packed[];
}

/** All but `committed` are certain to have changed nothing. */
type Outcome = 'committed' | 'settled' | { conflictAt: number } | { failure: unknown };

function check(mutations: readonly Mutation[]): void {
  const keys = new Set<string>();
  let sizeBytes = 0;
  for (const { key, body } of mutations) {
    if (key === '') throw new KumulusError('BadRequest', 'key: Required value');
    if (keys.has(key)) throw new KumulusError('BadRequest', `key: Duplicate value: "${key}"`);
    if (body.length > maxStoredBytes) throw bodyTooLarge(body.length);
    keys.add(key);
    sizeBytes += body.length;
  }
  if (mutations.length * 2 > transactionActions || (mutations.length > 1 && sizeBytes > transactionBytes)) {
    throw new KumulusError(
      'RequestEntityTooLarge',
      `Request entity too large: ${mutations.length} mutations with ${sizeBytes} bytes, limit is ${transactionActions / 2} mutations and ${transactionBytes} bytes`,
    );
  }
}

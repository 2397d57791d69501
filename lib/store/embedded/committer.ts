import type { DatabaseSync } from 'node:sqlite';
import { KumulusError } from '../../errors.ts';
import { bodyTooLarge, storeClosed, throttled } from '../errors.ts';
import { maxStoredBytes, type Mutation, type Revision, StoreConflict } from '../port.ts';
import { translateEngineError } from './engine-errors.ts';
import { maxRevision, rowKind, type Tables } from './tables.ts';
import type { ResourceState, Resources } from './resources.ts';

/** What waits to be written; past either, a commit is refused with `TooManyRequests`. */
const queuedCommits = 10_000;
const queuedBytes = 128 * 1024 * 1024;
/** What goes into one transaction, so that the event loop is never held for long. */
const groupCommits = 256;
const groupBytes = 8 * 1024 * 1024;

interface Pending {
  resource: string;
  mutations: readonly Mutation[];
  sizeBytes: number;
  resolve(revisions: Revision[]): void;
  reject(error: unknown): void;
}

type Outcome = { pending: Pending; revisions: Revision[] } | { pending: Pending; conflict: StoreConflict };

/**
 * The one writer. Commits that arrive while others are being written share the next transaction and its one sync to
 * disk (group commit); nobody is answered before the sync.
 */
export class Committer {
  readonly #database: DatabaseSync;
  readonly #tables: Tables;
  readonly #resources: Resources;
  readonly #onCommitted: (sizeBytes: number) => void;
  #queue: Pending[] = [];
  #queuedBytes = 0;
  #maintenance: (() => void)[] = [];
  #scheduled = false;
  #holds = 0;
  /** Set by `stop`, and by an error after which writing must not go on. */
  #refusal: KumulusError | undefined;
  #broken = false;
  #idle: (() => void) | undefined;

  constructor(
    database: DatabaseSync,
    tables: Tables,
    resources: Resources,
    onCommitted: (sizeBytes: number) => void,
  ) {
    this.#database = database;
    this.#tables = tables;
    this.#resources = resources;
    this.#onCommitted = onCommitted;
  }

  submit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]> {
    return new Promise((resolve, reject) => {
      if (this.#refusal) throw this.#refusal;
      const sizeBytes = checkedSize(resource, mutations);
      if (mutations.length === 0) return resolve([]);
      if (this.#queue.length >= queuedCommits || this.#queuedBytes + sizeBytes > queuedBytes) {
        throw throttled('the store has too many writes waiting');
      }
      this.#queue.push({ resource, mutations, sizeBytes, resolve, reject });
      this.#queuedBytes += sizeBytes;
      this.#schedule();
    });
  }

  /** Runs `work` in a transaction of its own between two groups. */
  maintain(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#refusal) throw this.#refusal;
      this.#maintenance.push(() => {
        try {
          this.#transaction(work);
          resolve();
        } catch (error) {
          reject(this.#failure(error));
        }
      });
      this.#schedule();
    });
  }

  /** Begins no transaction until `resume` is called as often; commits wait. */
  hold(): void {
    this.#holds++;
  }

  resume(): void {
    this.#holds--;
    this.#schedule();
  }

  /** Refuses what is new and waits for what is queued. */
  async stop(): Promise<void> {
    this.#refusal ??= storeClosed();
    if (this.#queue.length > 0 || this.#maintenance.length > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        this.#schedule();
      });
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#holds > 0) return;
    if (this.#queue.length === 0 && this.#maintenance.length === 0) {
      this.#idle?.();
      return;
    }
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#holds > 0) return;
      if (this.#queue.length > 0) this.#writeGroup(this.#takeGroup());
      this.#maintenance.shift()?.();
      this.#schedule();
    });
  }

  #takeGroup(): Pending[] {
    let count = 0;
    let sizeBytes = 0;
    while (count < this.#queue.length && count < groupCommits && sizeBytes < groupBytes) {
      sizeBytes += this.#queue[count]?.sizeBytes ?? 0;
      count++;
    }
    this.#queuedBytes -= sizeBytes;
    return this.#queue.splice(0, count);
  }

  #writeGroup(group: Pending[]): void {
    const outcomes: Outcome[] = [];
    try {
      if (this.#broken && this.#refusal) throw this.#refusal;
      this.#transaction(() => {
        for (const pending of group) outcomes.push(this.#apply(pending));
      });
    } catch (error) {
      const failure = this.#failure(error);
      for (const pending of group) pending.reject(failure);
      return;
    }
    for (const outcome of outcomes) {
      if ('conflict' in outcome) outcome.pending.reject(outcome.conflict);
      else outcome.pending.resolve(outcome.revisions);
    }
    const touched = new Set(outcomes.filter((o) => 'revisions' in o).map((o) => o.pending.resource));
    for (const name of touched) this.#resources.announce(name);
    this.#onCommitted(group.reduce((sum, pending) => sum + pending.sizeBytes, 0));
  }

  #transaction(work: () => void): void {
    const restore = this.#resources.snapshot();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      restore();
      try {
        this.#database.exec('ROLLBACK');
      } catch (rollbackError) {
        // SQLite has rolled back by itself already when it reports some errors; the first error is the one to tell.
        if (this.#database.isTransaction) throw rollbackError;
      }
      throw error;
    }
  }

  /** After an error that leaves the file's state in doubt (a failed sync above all) nothing more is written. */
  #failure(error: unknown): KumulusError {
    if (error instanceof KumulusError) return error;
    const { error: translated, fatal } = translateEngineError(error);
    if (fatal) {
      this.#broken = true;
      this.#refusal = translated;
    }
    return translated;
  }

  #apply(pending: Pending): Outcome {
    const resource = this.#resources.forWriting(pending.resource);
    if (pending.mutations.length > 1) {
      // All preconditions before the first change, as there is nothing to roll a single commit of the group back to.
      for (const mutation of pending.mutations) {
        const found = this.#tables.pointer(resource.id, mutation.key);
        const holds = mutation.op === 'create' ? found === 0 : found > 0 && found === mutation.expected;
        if (!holds) return { pending, conflict: this.#conflict(resource, mutation) };
      }
    }
    const revisions: Revision[] = [];
    for (const mutation of pending.mutations) {
      const revision = resource.head + 1;
      if (revision > maxRevision)
        throw new KumulusError('InternalError', `${resource.name} has no revisions left`);
      if (!this.#move(resource.id, mutation, revision)) {
        return { pending, conflict: this.#conflict(resource, mutation) };
      }
      const kind = mutation.op === 'delete' ? rowKind.delete : rowKind.put;
      const previous = mutation.op === 'create' ? 0 : mutation.expected;
      this.#tables.append(resource.id, revision, kind, previous, mutation.key, mutation.body);
      resource.head = revision;
      revisions.push(revision);
    }
    return { pending, revisions };
  }

  #move(resource: number, mutation: Mutation, revision: Revision): boolean {
    switch (mutation.op) {
      case 'create':
        return this.#tables.create(resource, mutation.key, revision);
      case 'replace':
        return this.#tables.replace(resource, mutation.key, mutation.expected, revision);
      case 'delete':
        return this.#tables.remove(resource, mutation.key, mutation.expected);
    }
  }

  #conflict(resource: ResourceState, mutation: Mutation): StoreConflict {
    const current = this.#tables.entry(resource.id, mutation.key);
    const reason = mutation.op === 'create' ? 'AlreadyExists' : current ? 'Conflict' : 'NotFound';
    return new StoreConflict(reason, mutation.key, current);
  }
}

function checkedSize(resource: string, mutations: readonly Mutation[]): number {
  if (resource === '') throw new KumulusError('BadRequest', 'resource: Required value');
  let sizeBytes = 0;
  const keys = new Set<string>();
  for (const { key, body } of mutations) {
    if (key === '') throw new KumulusError('BadRequest', 'key: Required value');
    if (keys.has(key)) throw new KumulusError('BadRequest', `key: Duplicate value: "${key}"`);
    if (body.length > maxStoredBytes) throw bodyTooLarge(body.length);
    keys.add(key);
    sizeBytes += body.length;
  }
  return sizeBytes;
}

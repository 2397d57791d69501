import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { storeClosed, tooLargeRevision, tooOld } from '../errors.ts';
import type { Entry, ListOptions, Mutation, Page, RestorableStore, Revision, WatchBatch } from '../port.ts';
import { Checkpointer } from './checkpointer.ts';
import { Committer } from './committer.ts';
import { Compactor } from './compactor.ts';
import { openDatabase } from './database.ts';
import { lockForWriting, type WriterLock } from './lock.ts';
import { Resources } from './resources.ts';
import { prepareTables, rowKind, type Tables } from './tables.ts';

export { openEmbeddedSnapshot, type StoreSnapshot } from './snapshot.ts';

export interface EmbeddedStoreOptions {
  /** Made when missing. Holds `store.sqlite` with its `-wal` and `-shm`, and the writer's lock. */
  dir: string;
  clock: Clock;
  log: Logger;
  /** How long history reaches back at least. Default five minutes, as kube-apiserver compacts etcd. */
  historyMs?: number;
  /** The most changes kept of one type, however young. Default 200,000. */
  historyChanges?: number;
  /** The write-ahead log is copied into the database about every so many bytes. Default 8 MiB. */
  checkpointBytes?: number;
}

/** Rows and bytes of one step of a watch. */
const batchChanges = 512;
const batchBytes = 4 * 1024 * 1024;

/**
 * The versioned store in one SQLite file. Rejects when another process has it (KumulusError `ServiceUnavailable` with
 * its pid) and when the file is damaged (`InternalError` with its name and what to do); then nothing was changed.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<RestorableStore> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const lock = lockForWriting(options.dir);
  try {
    const file = join(options.dir, 'store.sqlite');
    return new SqliteStore(file, openDatabase(file), lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SqliteStore implements RestorableStore {
  readonly #database: DatabaseSync;
  readonly #lock: WriterLock;
  readonly #tables: Tables;
  readonly #resources: Resources;
  readonly #committer: Committer;
  readonly #checkpointer: Checkpointer;
  readonly #compaction: Promise<void>;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(file: string, database: DatabaseSync, lock: WriterLock, options: EmbeddedStoreOptions) {
    const {
      clock,
      log,
      historyMs = 300_000,
      historyChanges = 200_000,
      checkpointBytes = 8 * 1024 * 1024,
    } = options;
    this.#database = database;
    this.#lock = lock;
    this.#tables = prepareTables(database);
    this.#resources = new Resources(this.#tables);
    this.#committer = new Committer(database, this.#tables, this.#resources, (sizeBytes) =>
      this.#checkpointer.wrote(sizeBytes),
    );
    this.#checkpointer = new Checkpointer(file, log, checkpointBytes, this.#committer);
    const compactor = new Compactor({
      clock,
      log,
      limits: { ageMs: historyMs, changes: historyChanges },
      committer: this.#committer,
      resources: this.#resources,
      tables: this.#tables,
    });
    this.#compaction = compactor.run(this.#closing.signal);
  }

  async commit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]> {
    return this.#committer.submit(resource, mutations);
  }

  async get(resource: string, key: string): Promise<Entry | undefined> {
    this.#mustBeOpen();
    const state = this.#resources.get(resource);
    return state && this.#tables.entry(state.id, key);
  }

  async list(resource: string, prefix: string, { at, limit, after = '' }: ListOptions = {}): Promise<Page> {
    this.#mustBeOpen();
    const state = this.#resources.get(resource);
    const head = state?.head ?? 0;
    if (at !== undefined && at > head) throw tooLargeRevision(at, head);
    if (at !== undefined && at < (state?.horizon ?? 0)) throw tooOld('list');
    if (!state) return { entries: [], revision: head, more: false };
    const rows = limit ? limit + 1 : -1;
    const isNewest = at === undefined || at === head;
    const entries = isNewest
      ? this.#tables.list(state.id, prefix, after, rows)
      : this.#tables.listAt(state.id, prefix, after, at, rows);
    const more = limit ? entries.length > limit : false;
    if (more) entries.pop();
    const page: Page = { entries, revision: at ?? head, more };
    if (more) {
      const last = entries.at(-1)?.key ?? after;
      page.remaining = isNewest
        ? this.#tables.count(state.id, prefix, last)
        : this.#tables.countAt(state.id, prefix, last, at);
    }
    return page;
  }

  async *watch(
    resource: string,
    from: Revision,
    { signal }: { signal: AbortSignal },
  ): AsyncIterable<WatchBatch> {
    const until = AbortSignal.any([signal, this.#closing.signal]);
    let position = from;
    let isFirst = true;
    while (!signal.aborted) {
      this.#mustBeOpen();
      const state = this.#resources.get(resource);
      if (position < (state?.horizon ?? 0)) throw tooOld('watch');
      const next = state
        ? this.#tables.changes(state.id, position, batchChanges, batchBytes)
        : { changes: [], revision: position };
      position = next.revision;
      if (next.changes.length > 0 || isFirst) {
        isFirst = false;
        yield { changes: next.changes, revision: position };
      }
      if (position >= (this.#resources.get(resource)?.head ?? 0))
        await this.#resources.nextChange(resource, until);
    }
  }

  async head(resource: string): Promise<Revision> {
    this.#mustBeOpen();
    return this.#resources.get(resource)?.head ?? 0;
  }

  async resources(): Promise<string[]> {
    this.#mustBeOpen();
    return this.#resources
      .all()
      .map(({ name }) => name)
      .sort();
  }

  async advance(resource: string, revision: Revision): Promise<void> {
    await this.#committer.maintain(() => {
      const state = this.#resources.forWriting(resource);
      if (state.head >= revision) return;
      this.#tables.append(state.id, revision, rowKind.gap, 0, '', new Uint8Array(0));
      this.#tables.setHorizon(state.id, revision);
      Object.assign(state, { head: revision, horizon: revision });
    });
    this.#resources.announce(resource);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const stopped = this.#committer.stop();
    this.#closing.abort();
    this.#resources.announceAll();
    await this.#compaction;
    await this.#checkpointer.close();
    await stopped;
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#database.close();
    this.#lock.release();
  }

  #mustBeOpen(): void {
    if (this.#closing.signal.aborted) throw storeClosed();
  }
}

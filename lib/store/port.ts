/**
 * The versioned store, as its consumer (the API server) needs it: what etcd is elsewhere.
 *
 * Bodies are opaque bytes to the store. Objects of one resource type (`pods`, `apps/deployments`) share one line
 * of revisions, and revisions of different types are not comparable (KEP-5504). A body does not contain its own
 * revision: the API server splices `metadata.resourceVersion` in when it reads, so that an adapter never has to
 * parse or rewrite a body, and can choose the revision as late as it likes.
 *
 * Every promise below is checked by `test/contract/store` against every adapter.
 */
export interface Store {
  /**
   * Applies all mutations or none, and acknowledges only what is durable. Every mutation gets a revision of its own,
   * in order, each greater than every one that a reader has been shown before the commit, be it by a list, a watch, a
   * get or another commit's answer: whoever watches from a revision that he was shown misses nothing.
   *
   * Rejects with StoreConflict when a precondition does not hold (nothing is changed), with KumulusError
   * `TooManyRequests` when the engine throttles, `RequestEntityTooLarge` when a body is over `maxStoredBytes`.
   */
  commit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]>;

  /** Linearizable. Undefined when there is no such object. */
  get(resource: string, key: string): Promise<Entry | undefined>;

  /**
   * Entries whose key starts with `prefix`, in key order (by UTF-8 bytes), of one consistent snapshot.
   * Without `at` the snapshot is the newest. With `at` it is exactly that revision's; KumulusError `Expired` when
   * history no longer reaches back, `Timeout` when `at` lies in the future.
   */
  list(resource: string, prefix: string, options?: ListOptions): Promise<Page>;

  /**
   * Every change after revision `from`, once and in order, until the signal aborts (then the iteration ends without
   * an error). Batches hold what was there to read; an empty batch is a progress mark. Throws KumulusError `Expired`
   * when history does not reach back to `from`, at the first step or, for a reader that fell behind, later.
   */
  watch(resource: string, from: Revision, options: { signal: AbortSignal }): AsyncIterable<WatchBatch>;

  /** The newest revision at or below which nothing can appear any more. 0 for a type never written. */
  head(resource: string): Promise<Revision>;

  /** Every resource type that has ever been written. */
  resources(): Promise<string[]>;

  /** Waits for what is under way, then lets go of files and connections. */
  close(): Promise<void>;
}

/** A store that a backup can be restored into, as every adapter is. */
export interface RestorableStore extends Store {
  /**
   * Makes every later revision of the type greater than `revision`, and its history begin there. Does nothing when the
   * type's head is there already.
   */
  advance(resource: string, revision: Revision): Promise<void>;
}

/** A positive safe integer; what clients see as `resourceVersion`, in decimal. */
export type Revision = number;

/** `namespace/name`, or `name` for a cluster-scoped type. */
export interface Entry {
  key: string;
  revision: Revision;
  body: Uint8Array;
  /** The body is not stored as it would be now (encrypted with another key): writing it again unchanged is a change. */
  stale?: true;
}

export type Mutation =
  /** Fails with `AlreadyExists` when the key is taken. */
  | { op: 'create'; key: string; body: Uint8Array }
  /** Fails with `Conflict` when the entry's revision is not `expected`, `NotFound` when there is none. */
  | { op: 'replace'; key: string; body: Uint8Array; expected: Revision }
  /** As `replace`; `body` is the last state, which watchers are shown. */
  | { op: 'delete'; key: string; body: Uint8Array; expected: Revision };

export interface ListOptions {
  at?: Revision;
  limit?: number;
  /** Only keys greater than this one. */
  after?: string;
}

export interface Page {
  entries: Entry[];
  /** The snapshot's revision; pass it as `at` for the pages that follow. */
  revision: Revision;
  /** Whether keys follow after the last entry. */
  more: boolean;
  /** How many more, where the adapter knows without reading them. */
  remaining?: number;
}

export interface Change {
  key: string;
  revision: Revision;
  /** The entry before the change; undefined for a creation. */
  before: Entry | undefined;
  /** The entry after it; for a deletion undefined, and then `last` is the state that was committed with it. */
  after: Entry | undefined;
  last: Uint8Array | undefined;
}

export interface WatchBatch {
  changes: Change[];
  /** Every change at or below this revision has been delivered. */
  revision: Revision;
}

/** 1.5 MiB, etcd's request limit, which clients of Kubernetes know. */
export const maxBodyBytes = 1.5 * 1024 * 1024;

/** An object of that size may be a little larger where it is stored encrypted. */
export const maxStoredBytes = maxBodyBytes + 4096;

/** A mutation's precondition did not hold. Nothing of the commit was applied. */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict';
  readonly reason: 'AlreadyExists' | 'Conflict' | 'NotFound';
  readonly key: string;
  /** What is there instead, so that a caller can try again without another read. */
  readonly current: Entry | undefined;

  constructor(reason: StoreConflict['reason'], key: string, current: Entry | undefined) {
    super(`${reason}: ${key}`);
    this.reason = reason;
    this.key = key;
    this.current = current;
  }
}

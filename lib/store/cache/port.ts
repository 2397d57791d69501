/**
 * The watch cache, as the API server uses it. One per process; a resource type is read into memory the first time
 * that it is asked for, and from then on one log reader per type keeps it current for every reader and watcher.
 *
 *     const cache = openWatchCache({ store, clock, log });
 *     const page = await cache.list('pods', { prefix: 'default/', freshness: 'consistent' });
 *     for (const item of page.items) socket.write(item.json);
 *
 * `resource` is the store's name of a type: `pods`, `apps/deployments`.
 *
 * Errors, all KumulusErrors: `Expired` (history does not reach back, or a watcher fell too far behind), `Timeout` with
 * cause `ResourceVersionTooLarge` (a revision that has not happened yet), `Timeout` (the log could not be read in
 * time), `TooManyRequests` (the store throttles).
 */
import type { KubeObject, Persisted } from '../../api/object.ts';
import type { Revision } from '../port.ts';

export interface WatchCache {
  /** Undefined when there is no such object at that freshness. */
  get(resource: string, key: string, options?: GetOptions): Promise<CachedObject | undefined>;

  /** One snapshot, in key order. Later pages: `freshness: { exact: page.revision }, after: <last key>`. */
  list(resource: string, options?: ListOptions): Promise<CachedPage>;

  /**
   * Resolves once the watch stands (errors about `from` come here, before a host has sent headers). Ends without an
   * error when the signal aborts; throws `Expired` when its consumer is too slow, or when history was lost.
   */
  watch(resource: string, options: WatchOptions): Promise<CacheWatch>;

  /** Objects in memory by resource type, for metrics. */
  stats(): { resource: string; objects: number; watchers: number; revision: Revision }[];

  /** Stops the log readers and ends every watch without an error. The store stays open. */
  close(): Promise<void>;
}

/**
 * How new an answer has to be.
 * - `consistent`: at least everything acknowledged before the call (`resourceVersion` unset).
 * - `any`: what is in memory, without a look at the store once the type is loaded (`resourceVersion=0`).
 * - `notOlderThan`: that revision or newer; waits for it up to three seconds (`resourceVersionMatch=NotOlderThan`).
 * - `exact`: that revision's snapshot and no other (`resourceVersionMatch=Exact`, and pages after the first).
 */
export type Freshness = 'consistent' | 'any' | { notOlderThan: Revision } | { exact: Revision };

/** An object at one revision. Shared between all readers: neither `json` nor `object` may ever be changed. */
export interface CachedObject {
  readonly key: string;
  readonly revision: Revision;
  /**
   * The object's JSON as clients see it, with `metadata.resourceVersion`. It begins with
   * `{"kind":"Pod","apiVersion":"v1",` so that a list of typed items can leave these two out by cutting a prefix.
   */
  readonly json: Uint8Array;
  /** Parsed from `json` on first use and then kept. Clone before changing (`structuredClone`). */
  readonly object: Persisted<KubeObject>;
}

/** Told the parsed object; a selector over labels and fields. Must be pure: results are kept for shared objects. */
export type Match = (object: Persisted<KubeObject>) => boolean;

export interface GetOptions {
  /** Default `consistent`. */
  freshness?: Exclude<Freshness, { exact: Revision }>;
  signal?: AbortSignal;
}

export interface ListOptions {
  /** Keys that start with it: `default/` for a namespace, `default/web` plus a `match` for one object. Default: all. */
  prefix?: string;
  match?: Match;
  /** Default `consistent`. */
  freshness?: Freshness;
  /** Counts objects that match. Absent or 0: all. */
  limit?: number;
  /** Only keys greater than this one. */
  after?: string;
  signal?: AbortSignal;
}

export interface CachedPage {
  items: CachedObject[];
  /** The snapshot's revision: the list's `metadata.resourceVersion`. */
  revision: Revision;
  /** Whether matching objects follow after the last item; its key is then the `after` of the next page. */
  more: boolean;
  /** How many follow. Only where `more`, and, as in Kubernetes, only without a `match`. */
  remaining?: number;
}

export interface WatchOptions {
  /**
   * A revision: every change after it. `any` and `consistent`: first the present state as synthetic ADDED events, in
   * key order, at that freshness (`resourceVersion=0` and unset), then every change after it.
   * `{ initialNotOlderThan }`: the same at that revision or newer (`sendInitialEvents=true` with a resourceVersion).
   */
  from: Revision | 'any' | 'consistent' | { initialNotOlderThan: Revision };
  prefix?: string;
  /** Decided on the state before and after a change: one that leaves the selector is DELETED, one that enters ADDED. */
  match?: Match;
  signal: AbortSignal;
}

/** A watch that stands. Iterate once. */
export interface CacheWatch extends AsyncIterable<EventBatch> {
  /**
   * The revision to put into a bookmark now: every matching change at or below it has been handed out by the
   * iteration. Moves on without events too, as other objects of the type change.
   */
  revision(): Revision;
}

export interface EventBatch {
  /** In order; may be empty (progress only). */
  events: CachedEvent[];
  /** Every matching change at or below it has been handed out with this batch. */
  revision: Revision;
  /** Set on exactly one batch of a watch that began with the present state: the state ends with it. */
  initialEventsEnd?: true;
}

export interface CachedEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: string;
  /** The change's revision, also that of `json` and `object`, deletions included. */
  readonly revision: Revision;
  /**
   * The object after the change; for DELETED the last state, or, when it only left the selector, the old state with
   * the change's resourceVersion, as kube-apiserver's cacher does. Made once and shared by all watchers.
   */
  readonly json: Uint8Array;
  readonly object: Persisted<KubeObject>;
  /** The state before, where there was one: for dispatching, and for renderings that have to parse anyway. */
  readonly before: CachedObject | undefined;
  /** `{"type":"ADDED","object":{…}}` and a newline: ready to send on a JSON watch. Made once and shared. */
  readonly frame: Uint8Array;
}

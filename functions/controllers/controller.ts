import type { KubeObject } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';
import type { Resource } from '../../lib/client/port.ts';

/**
 * A controller: which changes concern it, and one idempotent step towards what an object asks for. It gets a key,
 * never the event; reads the world again through listers that were brought up to the head before the call; and may
 * be stopped between any two calls, or run again with nothing changed.
 */
export interface Controller {
  /** The queue's and the log's name for it, upstream's where there is one: `deployment`, `replicaset`. */
  readonly name: string;
  readonly watches: readonly Watch[];
  /**
   * Keys that every resync has looked at besides those of objects that are there: for what outlives an object whose deletion
   * nobody was told of.
   */
  readonly resyncKeys?: readonly string[];
  reconcile(key: string, signal: AbortSignal): Promise<Result>;
}

/** Maps a change of one resource to the keys to reconcile. */
export interface Watch<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly keys: (change: ObjectChange<T>) => string[];
}

export type Result = { done: true } | { requeueAfterMs: number };

export const done: Result = { done: true };
export const requeueAfter = (ms: number): Result => ({ requeueAfterMs: ms });

import type { KubeObject, Persisted } from '../api/object.ts';
import type { Resource } from './port.ts';

/** A reader's view of the objects of one resource type, kept in memory and fed by a watch. Objects are shared: never change them. */
export interface Lister<T extends KubeObject> {
  readonly resource: Resource<T>;
  /** By `namespace/name`, or `name`. */
  get(key: string): Persisted<T> | undefined;
  list(namespace?: string): Persisted<T>[];
  /** Objects whose index function yielded `value`. The index must have been named when the lister was made. */
  byIndex(index: string, value: string): Persisted<T>[];
}

/** One change to an informer's objects, as handlers and `Watch.map` see it. A resync repeats objects with `before` = `after`. */
export interface ObjectChange<T extends KubeObject = KubeObject> {
  before: Persisted<T> | undefined;
  after: Persisted<T> | undefined;
}

/** Index name to the values under which an object is found. */
export type Indexers<T> = Record<string, (object: T) => string[]>;

export interface Informer<T extends KubeObject> extends Lister<T> {
  /** Called in order for every change, including one ADDED per object of the first list. Must not throw. */
  onChange(handler: (change: ObjectChange<T>) => void): void;
  /** Resolves once the first list is in memory; goes on until the signal aborts, listing again when a watch expires. */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when this view holds at least everything that was acknowledged before the call (a consistent read:
   * it asks the server for the head revision and waits for it). Calls that overlap share a round trip.
   */
  catchUp(): Promise<void>;
}

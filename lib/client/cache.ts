import { type KubeObject, keyOf, type Persisted } from '../api/object.ts';
import type { Indexers, ObjectChange } from './lister.ts';

/** Objects by key, by namespace and by the indexes asked for. */
export interface ObjectCache<T extends KubeObject> {
  readonly size: number;
  get(key: string): Persisted<T> | undefined;
  list(namespace?: string): Persisted<T>[];
  keys(): IterableIterator<string>;
  byIndex(index: string, value: string): Persisted<T>[];
  addIndexers(indexers: Indexers<T>): void;
  /** Puts the object in place of what has its key. */
  put(object: Persisted<T>): ObjectChange<T>;
  /** Undefined when there is no such object. `last` is its final state, where it is known. */
  remove(key: string, last?: Persisted<T>): ObjectChange<T> | undefined;
}

type Buckets<T extends KubeObject> = Map<string, Map<string, Persisted<T>>>;

export function createObjectCache<T extends KubeObject>(initial: Indexers<T> = {}): ObjectCache<T> {
  const objects = new Map<string, Persisted<T>>();
  const namespaces: Buckets<T> = new Map();
  const indexes = new Map<string, { values: (object: T) => string[]; buckets: Buckets<T> }>();

  function enter(key: string, object: Persisted<T>): void {
    objects.set(key, object);
    if (object.metadata.namespace) into(namespaces, object.metadata.namespace, key, object);
    for (const { values, buckets } of indexes.values()) {
      for (const value of values(object)) into(buckets, value, key, object);
    }
  }

  function leave(key: string, object: Persisted<T>): void {
    objects.delete(key);
    if (object.metadata.namespace) outOf(namespaces, object.metadata.namespace, key);
    for (const { values, buckets } of indexes.values()) {
      for (const value of values(object)) outOf(buckets, value, key);
    }
  }

  function addIndexers(indexers: Indexers<T>): void {
    for (const [name, values] of Object.entries(indexers)) {
      if (indexes.has(name)) continue;
      const buckets: Buckets<T> = new Map();
      indexes.set(name, { values, buckets });
      for (const [key, object] of objects)
        for (const value of values(object)) into(buckets, value, key, object);
    }
  }

  addIndexers(initial);
  return {
    get size() {
      return objects.size;
    },
    get: (key) => objects.get(key),
    list: (namespace) =>
      namespace === undefined ? [...objects.values()] : [...(namespaces.get(namespace)?.values() ?? [])],
    keys: () => objects.keys(),
    byIndex(name, value) {
      const index = indexes.get(name);
      if (!index) throw new TypeError(`there is no index "${name}"`);
      return [...(index.buckets.get(value)?.values() ?? [])];
    },
    addIndexers,
    put(object) {
      const key = keyOf(object);
      const before = objects.get(key);
      if (before) leave(key, before);
      enter(key, object);
      return { before, after: object };
    },
    remove(key, last) {
      const before = objects.get(key);
      if (!before) return undefined;
      leave(key, before);
      return { before: last ?? before, after: undefined };
    },
  };
}

function into<T extends KubeObject>(
  buckets: Buckets<T>,
  value: string,
  key: string,
  object: Persisted<T>,
): void {
  const bucket = buckets.get(value);
  if (bucket) bucket.set(key, object);
  else buckets.set(value, new Map([[key, object]]));
}

function outOf<T extends KubeObject>(buckets: Buckets<T>, value: string, key: string): void {
  const bucket = buckets.get(value);
  bucket?.delete(key);
  if (bucket?.size === 0) buckets.delete(value);
}

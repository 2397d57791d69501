import type { KubeObject, Persisted } from '../../lib/api/object.ts';
import { keyOf } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';

/** Objects in memory with the reading side of an informer, for parts that are tested without an API server. */
export class ObjectSource<T extends KubeObject> {
  readonly #objects = new Map<string, Persisted<T>>();
  readonly #handlers: ((change: ObjectChange<T>) => void)[] = [];
  #version = 0;

  get(key: string): Persisted<T> | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): Persisted<T>[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  onChange(handler: (change: ObjectChange<T>) => void): void {
    this.#handlers.push(handler);
  }

  put(object: T): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    const after: Persisted<T> = {
      ...object,
      metadata: {
        ...object.metadata,
        name: object.metadata.name ?? '',
        uid: before?.metadata.uid ?? `uid-${key}`,
        resourceVersion: String(++this.#version),
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
    };
    this.#objects.set(key, after);
    for (const handler of this.#handlers) handler({ before, after });
  }

  remove(key: string): void {
    const before = this.#objects.get(key);
    if (!before) return;
    this.#objects.delete(key);
    for (const handler of this.#handlers) handler({ before, after: undefined });
  }
}

import { keyOf, type KubeObject, type Persisted } from '../../../lib/api/object.ts';
import type { Lister } from '../../../lib/client/lister.ts';

/**
 * Objects as the API has them, with what this scheduler has decided of some on top: an assumed state holds until the API
 * shows a later revision than the assumed one's, or it is taken back.
 */
export class AssumeCache<T extends KubeObject> {
  readonly #lister: Lister<T>;
  readonly #assumed = new Map<string, Persisted<T>>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: string): Persisted<T> | undefined {
    const stored = this.#lister.get(key);
    const assumed = this.#assumed.get(key);
    if (!assumed) return stored;
    // Revisions of one type can be compared (KEP-5504): a written state is newer than what the informer shows as yet.
    if (stored && Number(stored.metadata.resourceVersion) <= Number(assumed.metadata.resourceVersion)) {
      return assumed;
    }
    this.#assumed.delete(key);
    return stored;
  }

  /** As the API has it. */
  stored(key: string): Persisted<T> | undefined {
    return this.#lister.get(key);
  }

  byIndex(index: string, value: string): Persisted<T>[] {
    const found = this.#lister.byIndex(index, value);
    return this.#assumed.size === 0 ? found : found.map((object) => this.get(keyOf(object)) ?? object);
  }

  list(): Persisted<T>[] {
    const found = this.#lister.list();
    return this.#assumed.size === 0 ? found : found.map((object) => this.get(keyOf(object)) ?? object);
  }

  /** `object` carries the revision that it was made from, or that it was written as. */
  assume(object: Persisted<T>): void {
    this.#assumed.set(keyOf(object), object);
  }

  /** The objects are what the API says again. */
  restore(...keys: string[]): void {
    for (const key of keys) this.#assumed.delete(key);
  }
}

import { compareKeys, prefixEnd } from '../keys.ts';
import type { CachedObject, Match } from './port.ts';

export interface Selection {
  prefix: string;
  after: string;
  limit: number;
  match: Match | undefined;
}

/** The present objects of one type, by key and in key order. */
export class Snapshot {
  readonly #objects = new Map<string, CachedObject>();
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }

  set(object: CachedObject): void {
    if (!this.#objects.has(object.key)) {
      const last = this.#keys.at(-1);
      if (last === undefined || compareKeys(last, object.key) < 0) this.#keys.push(object.key);
      else this.#keys.splice(this.#lowerBound(object.key), 0, object.key);
    }
    this.#objects.set(object.key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#keys.splice(this.#lowerBound(key), 1);
  }

  /**
   * A page of the objects selected. `overlay` says of some keys what they were at another time (undefined: absent).
   */
  select(
    { prefix, after, limit, match }: Selection,
    overlay?: ReadonlyMap<string, CachedObject | undefined>,
  ): { items: CachedObject[]; more: boolean; remaining?: number } {
    const items: CachedObject[] = [];
    let remaining = 0;
    for (const object of this.#range(prefix, after, overlay)) {
      if (match !== undefined && !match(object.object)) continue;
      if (limit > 0 && items.length === limit) {
        if (match) return { items, more: true };
        if (!overlay) {
          return { items, more: true, remaining: this.#count(prefix, items.at(-1)?.key ?? after) };
        }
        remaining++;
        continue;
      }
      items.push(object);
    }
    return remaining > 0 ? { items, more: true, remaining } : { items, more: false };
  }

  *#range(
    prefix: string,
    after: string,
    overlay: ReadonlyMap<string, CachedObject | undefined> | undefined,
  ): Generator<CachedObject> {
    const [from, to] = this.#bounds(prefix, after);
    if (!overlay) {
      for (let i = from; i < to; i++) yield this.#at(i);
      return;
    }
    const others = [...overlay.values()]
      .filter((o) => o !== undefined)
      .filter((o) => o.key.startsWith(prefix) && compareKeys(o.key, after) > 0)
      .sort((a, b) => compareKeys(a.key, b.key));
    let next = 0;
    for (let i = from; i < to; i++) {
      const object = this.#at(i);
      for (
        let other = others[next];
        other && compareKeys(other.key, object.key) < 0;
        other = others[++next]
      ) {
        yield other;
      }
      if (!overlay.has(object.key)) yield object;
    }
    yield* others.slice(next);
  }

  #count(prefix: string, after: string): number {
    const [from, to] = this.#bounds(prefix, after);
    return to - from;
  }

  #bounds(prefix: string, after: string): [number, number] {
    const end = prefixEnd(prefix);
    const to = end === undefined ? this.#keys.length : this.#lowerBound(end);
    const isPast = after !== '' && compareKeys(after, prefix) >= 0;
    // The least string after a key is the key and a NUL.
    const from = this.#lowerBound(isPast ? `${after}\0` : prefix);
    return [Math.min(from, to), to];
  }

  #at(index: number): CachedObject {
    return this.#objects.get(this.#keys[index] as string) as CachedObject;
  }

  /** The index of the first key that is not less than `key`. */
  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

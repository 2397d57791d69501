import type { Revision } from '../port.ts';
import type { CachedChange } from './events.ts';
import type { CachedObject } from './port.ts';

export interface WindowLimits {
  changes: number;
  sizeBytes: number;
}

/**
 * The newest changes of one type, shared by all its watchers: a watcher is a position in it, so that what slow watchers
 * cost is bounded by the window, however many they are.
 */
export class Window {
  readonly #limits: WindowLimits;
  #changes: CachedChange[] = [];
  #sizeBytes = 0;
  #start: Revision;

  constructor(limits: WindowLimits, start: Revision) {
    this.#limits = limits;
    this.#start = start;
  }

  /** Every change after this revision is in the window. */
  get start(): Revision {
    return this.#start;
  }

  push(change: CachedChange): void {
    this.#changes.push(change);
    this.#sizeBytes += change.sizeBytes;
    if (this.#changes.length > this.#limits.changes || this.#sizeBytes > this.#limits.sizeBytes)
      this.#shrink();
  }

  /** The index of the first change after `revision`, which must not be before `start`. */
  indexAfter(revision: Revision): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle] as CachedChange).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(index: number): CachedChange | undefined {
    return this.#changes[index];
  }

  /** What the keys that changed after `revision` were at it; undefined where there was nothing. */
  statesAt(revision: Revision): Map<string, CachedObject | undefined> {
    const states = new Map<string, CachedObject | undefined>();
    for (let i = this.indexAfter(revision); i < this.#changes.length; i++) {
      const change = this.#changes[i] as CachedChange;
      if (!states.has(change.key)) states.set(change.key, change.before);
    }
    return states;
  }

  /** By an eighth below the limits, so that the array is not moved at every push. The newest change always stays. */
  #shrink(): void {
    let drop = 0;
    const { changes, sizeBytes } = this.#limits;
    while (
      drop < this.#changes.length - 1 &&
      (this.#changes.length - drop > changes * 0.875 || this.#sizeBytes > sizeBytes * 0.875)
    ) {
      this.#sizeBytes -= (this.#changes[drop] as CachedChange).sizeBytes;
      drop++;
    }
    if (drop === 0) return;
    this.#start = (this.#changes[drop - 1] as CachedChange).revision;
    this.#changes = this.#changes.slice(drop);
  }
}

/** Names a place in the CycleState and the type of what is there. */
export interface StateKey<T> {
  readonly name: string;
  /** Never set; carries the type. */
  readonly value?: T;
}

export function stateKey<T>(name: string): StateKey<T> {
  return { name };
}

/** State that differs on each node a preemption tries out says how it is copied. */
interface Cloneable {
  clone(): unknown;
}

/** What plugins keep from one extension point to the next, for one pod in one scheduling cycle. */
export class CycleState {
  readonly #values: Map<object, unknown>;
  /** Plugins whose Filter, or Score, has nothing to say in this cycle. */
  readonly skipFilter: Set<string>;
  readonly skipScore: Set<string>;

  constructor(from?: CycleState) {
    this.#values = new Map();
    // Shared by copies: they do not change once PreFilter and PreScore have run.
    this.skipFilter = from?.skipFilter ?? new Set();
    this.skipScore = from?.skipScore ?? new Set();
    if (!from) return;
    for (const [key, value] of from.#values)
      this.#values.set(key, isCloneable(value) ? value.clone() : value);
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.#values.set(key, value);
  }

  /** @throws when nothing was written: the plugin's earlier extension point has not run. */
  read<T>(key: StateKey<T>): T {
    if (!this.#values.has(key)) throw new Error(`the scheduling cycle holds no "${key.name}"`);
    return this.#values.get(key) as T;
  }

  find<T>(key: StateKey<T>): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  /** For trying out changes: what knows how to be cloned is, all else is shared. */
  clone(): CycleState {
    return new CycleState(this);
  }
}

function isCloneable(value: unknown): value is Cloneable {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<Cloneable>).clone === 'function'
  );
}

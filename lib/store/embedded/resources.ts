import type { Revision } from '../port.ts';
import type { Tables } from './tables.ts';

export interface ResourceState {
  readonly id: number;
  readonly name: string;
  /** The newest revision written. */
  head: Revision;
  /** History reaches back to here: every change after it is still there, with the state before. */
  horizon: Revision;
}

/** What is known of every resource type, in memory; the tables hold the same. */
export class Resources {
  readonly #tables: Tables;
  readonly #states = new Map<string, ResourceState>();
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(tables: Tables) {
    this.#tables = tables;
    for (const { id, name, head, horizon } of tables.resources()) {
      this.#states.set(name, { id, name, head: Math.max(head, horizon), horizon });
    }
  }

  get(name: string): ResourceState | undefined {
    return this.#states.get(name);
  }

  all(): ResourceState[] {
    return [...this.#states.values()];
  }

  /** Within a transaction: the type's state, which is added when it is new. */
  forWriting(name: string): ResourceState {
    let state = this.#states.get(name);
    if (!state) {
      state = { id: this.#tables.addResource(name), name, head: 0, horizon: 0 };
      this.#states.set(name, state);
    }
    return state;
  }

  /** Returns what brings everything back to now, for a transaction that fails. */
  snapshot(): () => void {
    const saved = this.all().map((state) => ({ state, head: state.head, horizon: state.horizon }));
    return () => {
      const known = new Set(saved.map(({ state }) => state.name));
      for (const name of this.#states.keys()) if (!known.has(name)) this.#states.delete(name);
      for (const { state, head, horizon } of saved) Object.assign(state, { head, horizon });
    };
  }

  /** Wakes whoever waits for a change of the type. */
  announce(name: string): void {
    const waiters = this.#waiters.get(name);
    if (!waiters) return;
    this.#waiters.delete(name);
    for (const wake of waiters) wake();
  }

  announceAll(): void {
    for (const name of [...this.#waiters.keys()]) this.announce(name);
  }

  /** Resolves at the type's next change, or when the signal aborts. */
  nextChange(name: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const waiters = this.#waiters.get(name) ?? new Set();
      this.#waiters.set(name, waiters);
      const wake = () => {
        waiters.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      waiters.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

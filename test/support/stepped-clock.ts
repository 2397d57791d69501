import type { Clock } from '../../lib/clock.ts';

/** A clock that stands still until it is stepped. */
export interface SteppedClock extends Clock {
  /**
   * Moves on by `ms`. Sleeps that end on the way end in order of their time, each with the clock standing there and
   * with its continuations run before the next.
   */
  step(ms: number): Promise<void>;
  /** How many sleep. */
  readonly sleepers: number;
}

interface Sleeper {
  atMs: number;
  wake: () => void;
}

export function createSteppedClock(startMs = Date.UTC(2026, 0, 1)): SteppedClock {
  let nowMs = startMs;
  const sleepers = new Set<Sleeper>();

  function next(untilMs: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.atMs <= untilMs && (!first || sleeper.atMs < first.atMs)) first = sleeper;
    }
    return first;
  }

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          atMs: nowMs + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    async step(ms) {
      const untilMs = nowMs + ms;
      for (let sleeper = next(untilMs); sleeper; sleeper = next(untilMs)) {
        nowMs = Math.max(nowMs, sleeper.atMs);
        sleeper.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = untilMs;
      await new Promise((resolve) => setImmediate(resolve));
    },
    get sleepers() {
      return sleepers.size;
    },
  };
}

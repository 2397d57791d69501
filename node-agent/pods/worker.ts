import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

/** When a key is to be looked at again by itself. */
export interface NextLook {
  afterMs: number;
}

export interface KeyedWorkers {
  /** Has the key looked at soon; while it is being looked at, once more afterwards. */
  poke(key: string): void;
  /** Stops looking at the key by itself. */
  forget(key: string): void;
  /** Resolves when nothing is being looked at any more. No new looks begin. */
  close(): Promise<void>;
}

const errorBackoff = { baseMs: 500, maxMs: 10_000 };

/**
 * Calls `look` for keys, never twice at once for the same one. A look that throws is repeated after 0.5 s, then twice
 * as long each time up to 10 s; any poke looks sooner.
 */
export function createKeyedWorkers(
  look: (key: string) => Promise<NextLook | undefined>,
  options: { clock: Clock; random: () => number; log: Logger },
): KeyedWorkers {
  const { clock, random, log } = options;
  const busy = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const timers = new Map<string, AbortController>();
  const failures = new Map<string, number>();
  let closed = false;

  function cancelTimer(key: string): void {
    timers.get(key)?.abort();
    timers.delete(key);
  }

  function later(key: string, ms: number): void {
    cancelTimer(key);
    const cancel = new AbortController();
    timers.set(key, cancel);
    clock.sleep(ms, cancel.signal).then(
      () => {
        if (timers.get(key) === cancel) timers.delete(key);
        start(key);
      },
      () => undefined,
    );
  }

  async function once(key: string): Promise<void> {
    try {
      const next = await look(key);
      failures.delete(key);
      if (next && !again.has(key) && !closed) later(key, next.afterMs);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      log.warn({ err: messageOf(error), pod: key }, 'a sync failed and will be tried again');
      const waitMs = Math.min(errorBackoff.maxMs, errorBackoff.baseMs * 2 ** Math.min(count, 10));
      if (!closed) later(key, waitMs * (1 + 0.2 * random()));
    }
  }

  function start(key: string): void {
    if (closed) return;
    if (busy.has(key)) {
      again.add(key);
      return;
    }
    cancelTimer(key);
    const run = once(key).finally(() => {
      busy.delete(key);
      if (again.delete(key)) start(key);
    });
    busy.set(key, run);
  }

  return {
    poke: start,
    forget(key) {
      cancelTimer(key);
      failures.delete(key);
      again.delete(key);
    },
    async close() {
      closed = true;
      for (const key of timers.keys()) cancelTimer(key);
      await Promise.allSettled(busy.values());
    },
  };
}

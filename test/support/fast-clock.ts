import { type Clock, systemClock } from '../../lib/clock.ts';

/** A clock on which time passes `factor` times as fast, for what happens by the minute. */
export function fastClock(factor: number): Clock {
  const startedAt = systemClock.now();
  return {
    now: () => Math.floor(startedAt + (systemClock.now() - startedAt) * factor),
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}

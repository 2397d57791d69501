export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  /** 0 to 1, as Math.random. */
  random: () => number;
}

/** Doubles from `baseMs` to `maxMs`; the attempt counts from 0. Half of it is jitter, so that no two callers keep step. */
export function backoffMs(attempt: number, { baseMs, maxMs, random }: BackoffOptions): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}

/** client-go's ItemExponentialFailureRateLimiter for controllers: 5 ms doubling to 1000 s. */
export interface RetryBackoff {
  baseMs: number;
  maxMs: number;
}

export const defaultRetryBackoff: RetryBackoff = { baseMs: 5, maxMs: 1_000_000 };

/**
 * How long to wait after the given failure, the first being 1. A fifth of it is jitter, taken off so that the upper
 * bound holds and keys that failed together do not come back together.
 */
export function retryDelayMs(
  { baseMs, maxMs }: RetryBackoff,
  failures: number,
  random: () => number,
): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 40));
  return full * (1 - 0.2 * random());
}

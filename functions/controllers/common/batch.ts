/** Upstream's BurstReplicas: no more calls of one reconcile than this. */
export const burstReplicas = 500;

/**
 * Calls `run` `count` times in batches of 1, 2, 4, … that go on only while every call of the last one succeeded, so
 * that a quota that is used up is not asked hundreds of times. Resolves with the number of successes and the first error.
 */
export async function slowStartBatch(
  count: number,
  run: () => Promise<void>,
): Promise<{ successes: number; error: unknown }> {
  let remaining = count;
  let successes = 0;
  for (let size = Math.min(remaining, 1); size > 0; size = Math.min(2 * size, remaining)) {
    const results = await Promise.allSettled(Array.from({ length: size }, () => run()));
    const failed = results.find((result) => result.status === 'rejected');
    successes += results.filter((result) => result.status === 'fulfilled').length;
    if (failed) return { successes, error: failed.reason };
    remaining -= size;
  }
  return { successes, error: undefined };
}

/** How long a failed pod is left where it is, so that a node that refuses it is not asked again at once. */
export interface FailureBackoff {
  /** In how many ms the node's failed pod may be replaced. 0 means at once, and counts as one more failure of the node. */
  next(key: string, nowMs: number): number;
}

const firstMs = 1_000;
const longestMs = 15 * 60_000;
/** Of so many nodes the failures are remembered; the oldest are forgotten first. */
const maxKeys = 10_000;

/** Kept in memory: a new process begins with the shortest wait. */
export function createFailureBackoff(): FailureBackoff {
  const failures = new Map<string, { atMs: number; waitMs: number }>();
  return {
    next(key, nowMs) {
      const last = failures.get(key);
      const sinceMs = last ? nowMs - last.atMs : Number.POSITIVE_INFINITY;
      if (last && sinceMs < last.waitMs) return last.waitMs - sinceMs;
      const isRecent = last !== undefined && sinceMs <= 2 * longestMs;
      const waitMs = isRecent ? Math.min(2 * last.waitMs, longestMs) : firstMs;
      failures.delete(key);
      failures.set(key, { atMs: nowMs, waitMs });
      const [oldest] = failures.keys();
      if (failures.size > maxKeys && oldest !== undefined) failures.delete(oldest);
      return 0;
    },
  };
}

import type { Job, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { finishedAtMs, hasFailed } from './pods.ts';

const firstMs = 10_000;
const maxMs = 600_000;

/** How long after the last failure the next pod may be made; the wait doubles with each failure. */
export function backoffLeftMs(failures: number, lastFailureMs: number, nowMs: number): number {
  if (failures <= 0) return 0;
  const wait = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return Math.max(0, lastFailureMs + wait - nowMs);
}

/** The same for a whole Job: a success starts the count anew. All that is needed to know it, the pods show. */
export function jobBackoffLeftMs(job: Job, pods: readonly Persisted<Pod>[], nowMs: number): number {
  const successes = pods.filter(({ status }) => status?.phase === 'Succeeded').map(finishedAtMs);
  const lastSuccessMs = Math.max(Number.NEGATIVE_INFINITY, ...successes);
  const failures = pods
    .filter((pod) => hasFailed(job, pod))
    .map(finishedAtMs)
    .filter((at) => at > lastSuccessMs);
  return backoffLeftMs(failures.length, Math.max(...failures), nowMs);
}

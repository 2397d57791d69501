import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { burstReplicas } from '../common/batch.ts';
import { podsToDelete } from '../common/replicas/ranking.ts';
import { backoffLeftMs, jobBackoffLeftMs } from './backoff.ts';
import { indexOf } from './indexes.ts';
import { failuresBefore, type IndexFailures } from './new-pod.ts';
import { finishedAtMs, replacesOnlyFailed } from './pods.ts';
import { judgeFailure } from './policies.ts';
import type { JobState } from './state.ts';

/** What to do about a Job that goes on: pods go, or pods come, never both in one pass. */
export interface Plan {
  remove: readonly Persisted<Pod>[];
  create: readonly { index: number | undefined; failures: IndexFailures | undefined }[];
  /** When more can be made, where failures make it wait. */
  waitMs: number | undefined;
}

export function planOf(state: JobState, nowMs: number): Plan {
  const { job, active, terminating, succeeded, indexes, pods } = state;
  const { spec } = job;
  const nothing: Plan = { remove: [], create: [], waitMs: undefined };
  if (spec.suspend) return { ...nothing, remove: active };
  const parallelism = spec.parallelism ?? 1;
  const wanted =
    spec.completions === undefined
      ? // Once one has succeeded no more are made, and those that run may end.
        succeeded > 0
        ? active.length
        : parallelism
      : Math.max(0, Math.min(parallelism, spec.completions - succeeded));
  const remove = surplusPods(state, Math.max(0, active.length - wanted), nowMs);
  if (remove.length > 0) return { ...nothing, remove: remove.slice(0, burstReplicas) };
  const missing = wanted - active.length - (replacesOnlyFailed(job) ? terminating : 0);
  if (missing <= 0) return nothing;
  const perIndex = indexes?.failed !== undefined;
  const waitMs = perIndex ? 0 : jobBackoffLeftMs(job, pods, nowMs);
  if (waitMs > 0) return { ...nothing, waitMs };
  const count = Math.min(missing, burstReplicas);
  if (!indexes) {
    return {
      ...nothing,
      create: Array.from({ length: count }, () => ({ index: undefined, failures: undefined })),
    };
  }
  const pending = pendingIndexes(state, count);
  if (!perIndex) return { ...nothing, create: pending.map((index) => ({ index, failures: undefined })) };
  return planPerIndex(state, pending, nowMs);
}

/** Pods of an index that another one has, or that the Job has no more, go before any other. */
function surplusPods({ active, indexes }: JobState, atLeast: number, nowMs: number): Persisted<Pod>[] {
  if (!indexes) return podsToDelete(active, active, atLeast, nowMs);
  const byAge = [...active].sort(
    (a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp),
  );
  const seen = new Set<number>();
  const surplus: Persisted<Pod>[] = [];
  const others: Persisted<Pod>[] = [];
  for (const pod of byAge) {
    const index = indexOf(pod, indexes.completions);
    if (index === undefined || seen.has(index)) surplus.push(pod);
    else others.push(pod);
    if (index !== undefined) seen.add(index);
  }
  const more = Math.max(0, atLeast - surplus.length);
  return [...surplus, ...(more > 0 ? podsToDelete(others, others, more, nowMs) : [])];
}

/** The lowest indexes that nobody works on and that have not come to their end. */
function pendingIndexes({ job, pods, active, indexes }: JobState, count: number): number[] {
  if (!indexes) return [];
  const { completions, succeeded, failed } = indexes;
  const taken = replacesOnlyFailed(job)
    ? pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
    : active;
  const busy = new Set(taken.map((pod) => indexOf(pod, completions)));
  const pending: number[] = [];
  for (let index = 0; index < completions && pending.length < count; index++) {
    if (!busy.has(index) && !succeeded.has(index) && !failed?.has(index)) pending.push(index);
  }
  return pending;
}

/** An index that failed waits by itself, and its next pod is told how often that was. */
function planPerIndex({ job, indexes }: JobState, pending: readonly number[], nowMs: number): Plan {
  const create: { index: number; failures: IndexFailures }[] = [];
  let waitMs: number | undefined;
  for (const index of pending) {
    const last = indexes?.lastFailed.get(index);
    const failures = last ? failuresBefore(last) : { counted: 0, ignored: 0 };
    if (last) {
      if (judgeFailure(job.spec.podFailurePolicy, last).counts) failures.counted++;
      else failures.ignored++;
      const left = backoffLeftMs(failures.counted + failures.ignored, finishedAtMs(last), nowMs);
      if (left > 0) {
        waitMs = Math.min(waitMs ?? Number.POSITIVE_INFINITY, left);
        continue;
      }
    }
    create.push({ index, failures });
  }
  return { remove: [], create, waitMs };
}

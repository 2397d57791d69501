import type { Job, JobStatus, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { type Outcome, withCondition } from './conditions.ts';
import { formatIndexes, indexOf } from './indexes.ts';
import { hasFailed, isTracked } from './pods.ts';
import { judgeFailure } from './policies.ts';
import type { JobState } from './state.ts';

/** As many as one status takes in at once: it must not grow too large. */
const maxUncounted = 500;

/**
 * The accounting of a Job's pods without loss or doubles (KEP-2307), whatever dies in between: first the status takes
 * in the UIDs of pods that ended (`takeIn`); then their finalizers go; then the status counts the UIDs of those that
 * have none any more (`countUntracked`).
 */
export interface Tracked {
  status: JobStatus;
  /** Pods that the status, once it is written, knows of. */
  toUntrack: readonly Persisted<Pod>[];
  /** More ended than one status takes in: the rest follows in another pass. */
  isPartial: boolean;
}

export function takeIn(
  state: JobState,
  status: JobStatus,
  outcome: Outcome | undefined,
  nowMs: number,
): Tracked {
  const { job, indexes } = state;
  const before = countUntracked(status, state.pods);
  const succeeded = [...(before.uncountedTerminatedPods?.succeeded ?? [])];
  const failed = [...(before.uncountedTerminatedPods?.failed ?? [])];
  const completed = new Set(indexes?.counted);
  const toUntrack: Persisted<Pod>[] = [];
  let isPartial = false;
  for (const pod of inOrder(state)) {
    if (!isTracked(pod) || !maySettle(state, pod, outcome)) continue;
    const { uid } = pod.metadata;
    const index = indexes && indexOf(pod, indexes.completions);
    const isKnownIndex = !indexes || index !== undefined;
    toUntrack.push(pod);
    if (pod.status?.phase === 'Succeeded' && !state.uncounted.failed.has(uid)) {
      // Of an index it is enough to know that it is done.
      if (index !== undefined) completed.add(index);
      else if (!indexes && !state.uncounted.succeeded.has(uid)) succeeded.push(uid);
    } else if (hasFailed(job, pod) || (outcome && !outcome.succeeded)) {
      const counts = judgeFailure(job.spec.podFailurePolicy, pod).counts;
      if (isKnownIndex && counts && !state.uncounted.failed.has(uid)) failed.push(uid);
    }
    const added = completed.size - (indexes?.counted.size ?? 0);
    if (added + succeeded.length + failed.length >= maxUncounted) {
      isPartial = true;
      break;
    }
  }
  const next: JobStatus = { ...before, uncountedTerminatedPods: uncountedOf(succeeded, failed) };
  if (indexes) {
    set(next, 'completedIndexes', formatIndexes(completed) || undefined);
    set(next, 'succeeded', completed.size || undefined);
    if (indexes.failed) next.failedIndexes = formatIndexes(indexes.failed);
  }
  if (outcome) {
    const { reason, message } = outcome;
    const type = outcome.succeeded ? 'SuccessCriteriaMet' : 'FailureTarget';
    const says = { type, status: 'True', reason, message } as const;
    const known = next.conditions?.some(
      (condition) => condition.type === type && condition.status === 'True',
    );
    if (!known) next.conditions = [...withCondition(next.conditions ?? [], says, nowMs)];
  }
  return { status: next, toUntrack, isPartial };
}

/** Counts the UIDs whose pods are gone or have lost their finalizer. */
export function countUntracked(status: JobStatus, pods: readonly Persisted<Pod>[]): JobStatus {
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const still = {
    succeeded: succeeded.filter((uid) => tracked.has(uid)),
    failed: failed.filter((uid) => tracked.has(uid)),
  };
  const next: JobStatus = { ...status, uncountedTerminatedPods: uncountedOf(still.succeeded, still.failed) };
  set(next, 'succeeded', (status.succeeded ?? 0) + succeeded.length - still.succeeded.length || undefined);
  set(next, 'failed', (status.failed ?? 0) + failed.length - still.failed.length || undefined);
  return next;
}

/** Whether a pod's part is over: it ended, or the Job did. */
function maySettle({ job, indexes }: JobState, pod: Persisted<Pod>, outcome: Outcome | undefined): boolean {
  if (job.metadata.deletionTimestamp || outcome || pod.status?.phase === 'Succeeded') return true;
  if (!hasFailed(job, pod)) return false;
  const index = indexes && indexOf(pod, indexes.completions);
  // The next pod of its index is made from what it says.
  return index === undefined || indexes?.lastFailed.get(index) !== pod;
}

/** By index, so that completed indexes come in order. */
function inOrder({ pods, indexes }: JobState): readonly Persisted<Pod>[] {
  if (!indexes) return pods;
  const of = (pod: Persisted<Pod>) => indexOf(pod, indexes.completions) ?? -1;
  return [...pods].sort((a, b) => of(a) - of(b));
}

function uncountedOf(succeeded: string[], failed: string[]) {
  return { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) };
}

export function hasUncounted({ status }: Job): boolean {
  const { succeeded = [], failed = [] } = status?.uncountedTerminatedPods ?? {};
  return succeeded.length + failed.length > 0;
}

/** A count of nothing is not written. */
function set<K extends 'succeeded' | 'failed' | 'completedIndexes'>(
  status: JobStatus,
  field: K,
  value: JobStatus[K] | undefined,
): void {
  if (value === undefined) delete status[field];
  else status[field] = value;
}

import type { Job, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { isPodActive, isPodReady, isPodTerminating } from '../common/pods.ts';
import { indexOf, parseIndexes } from './indexes.ts';
import { failuresBefore } from './new-pod.ts';
import { finishedAtMs, hasFailed, isTracked } from './pods.ts';
import { judgeFailure } from './policies.ts';

/** A Job and its pods as one pass sees them. */
export interface JobState {
  job: Persisted<Job>;
  pods: readonly Persisted<Pod>[];
  active: readonly Persisted<Pod>[];
  ready: number;
  terminating: number;
  /** UIDs of pods that the status has taken in and that may still be tracked. */
  uncounted: { succeeded: ReadonlySet<string>; failed: ReadonlySet<string> };
  /** With those that the status has not counted yet. */
  succeeded: number;
  failed: number;
  /** Of an Indexed Job only. */
  indexes: IndexState | undefined;
}

export interface IndexState {
  completions: number;
  /** Succeeded as the status says, and with those that it does not say yet. */
  counted: ReadonlySet<number>;
  succeeded: ReadonlySet<number>;
  /** Where each index has a backoff limit of its own. */
  failed: ReadonlySet<number> | undefined;
  /** The last failed pod of each index that is to be tried again: what it knows of failures is still needed. */
  lastFailed: ReadonlyMap<number, Persisted<Pod>>;
}

export function observe(job: Persisted<Job>, pods: readonly Persisted<Pod>[]): JobState {
  const { status = {}, spec } = job;
  const uncounted = {
    succeeded: new Set(status.uncountedTerminatedPods?.succeeded),
    failed: new Set(status.uncountedTerminatedPods?.failed),
  };
  const active = pods.filter(isPodActive);
  const isIndexed = spec.completionMode === 'Indexed';
  const completions = spec.completions ?? 0;
  /** Pods that have not been counted, or are in the middle of it. */
  const tracked = pods.filter(
    (pod) => isTracked(pod) && (!isIndexed || indexOf(pod, completions) !== undefined),
  );
  const newSucceeded = tracked.filter(
    ({ metadata: { uid }, status: of }) => of?.phase === 'Succeeded' && !uncounted.succeeded.has(uid),
  );
  const newFailed = tracked.filter(
    (pod) =>
      !uncounted.failed.has(pod.metadata.uid) &&
      hasFailed(job, pod) &&
      judgeFailure(spec.podFailurePolicy, pod).counts,
  );
  const indexes = isIndexed ? observeIndexes(job, tracked, active, completions) : undefined;
  return {
    job,
    pods,
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    uncounted,
    succeeded:
      indexes?.succeeded.size ?? (status.succeeded ?? 0) + uncounted.succeeded.size + newSucceeded.length,
    failed: (status.failed ?? 0) + uncounted.failed.size + newFailed.length,
    indexes,
  };
}

function observeIndexes(
  job: Persisted<Job>,
  tracked: readonly Persisted<Pod>[],
  active: readonly Persisted<Pod>[],
  completions: number,
): IndexState {
  const { status = {}, spec } = job;
  const counted = parseIndexes(status.completedIndexes, completions);
  const succeeded = new Set(counted);
  for (const pod of tracked) {
    if (pod.status?.phase === 'Succeeded') succeeded.add(indexOf(pod, completions) ?? -1);
  }
  if (spec.backoffLimitPerIndex === undefined) {
    return { completions, counted, succeeded, failed: undefined, lastFailed: new Map() };
  }
  const failed = parseIndexes(status.failedIndexes, completions);
  for (const pod of tracked) {
    if (failsIndex(job, pod)) failed.add(indexOf(pod, completions) ?? -1);
  }
  const running = new Set(active.map((pod) => indexOf(pod, completions)));
  const lastFailed = new Map<number, Persisted<Pod>>();
  for (const pod of tracked) {
    const index = indexOf(pod, completions);
    if (index === undefined || !hasFailed(job, pod)) continue;
    if (succeeded.has(index) || failed.has(index) || running.has(index)) continue;
    const other = lastFailed.get(index);
    if (!other || isLater(pod, other)) lastFailed.set(index, pod);
  }
  return { completions, counted, succeeded, failed, lastFailed };
}

/** Whether this failure is the one after which its index is not tried again (KEP-3850). */
function failsIndex(job: Job, pod: Persisted<Pod>): boolean {
  if (!hasFailed(job, pod)) return false;
  const { action, counts } = judgeFailure(job.spec.podFailurePolicy, pod);
  if (action === 'FailIndex') return true;
  return counts && failuresBefore(pod).counted >= (job.spec.backoffLimitPerIndex ?? 0);
}

function isLater(pod: Persisted<Pod>, other: Persisted<Pod>): boolean {
  const all = (one: Pod) => failuresBefore(one).counted + failuresBefore(one).ignored;
  return all(pod) - all(other) > 0 || (all(pod) === all(other) && finishedAtMs(pod) >= finishedAtMs(other));
}

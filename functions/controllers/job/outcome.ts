import type { Job, Pod } from '../../../lib/api/gen/types.ts';
import { decidedOutcome, type Outcome } from './conditions.ts';
import { hasFailed } from './pods.ts';
import { judgeFailure, metSuccessRule } from './policies.ts';
import type { JobState } from './state.ts';

const failed = (reason: string, message: string): Outcome => ({ succeeded: false, reason, message });

/** Why the Job is over, before anything is done about its pods; undefined while it goes on. */
export function outcomeOf(state: JobState, nowMs: number): Outcome | undefined {
  const { job, pods, indexes } = state;
  const decided = decidedOutcome(job);
  if (decided) return decided;
  for (const pod of pods) {
    const { message } = hasFailed(job, pod) ? judgeFailure(job.spec.podFailurePolicy, pod) : {};
    if (message) return failed('PodFailurePolicy', message);
  }
  if (state.failed > (job.spec.backoffLimit ?? 0) || hasRestartedTooOften(job, pods)) {
    return failed('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if (deadlineLeftMs(job, nowMs) === 0) {
    return failed('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  if (!indexes) return undefined;
  const { failed: failedIndexes, succeeded, completions } = indexes;
  if (failedIndexes) {
    const { maxFailedIndexes } = job.spec;
    if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
      return failed(
        'MaxFailedIndexesExceeded',
        'Job has exceeded the specified maximal number of failed indexes',
      );
    }
    if (failedIndexes.size > 0 && failedIndexes.size + succeeded.size >= completions) {
      return failed('FailedIndexes', 'Job has failed indexes');
    }
  }
  const met = metSuccessRule(job.spec.successPolicy, completions, succeeded);
  return met === undefined ? undefined : { succeeded: true, reason: 'SuccessPolicy', message: met };
}

/** Whether enough pods have succeeded and none is active any more. */
export function completionOf({ job, succeeded }: JobState, active: number): Outcome | undefined {
  const { completions } = job.spec;
  const isComplete = active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions);
  if (!isComplete) return undefined;
  return {
    succeeded: true,
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
}

/** How long the Job may still be active, in ms; undefined where it may be for ever, or is suspended. */
export function deadlineLeftMs({ spec, status }: Job, nowMs: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || spec.suspend || !status?.startTime) return undefined;
  return Math.max(0, Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - nowMs);
}

/** Containers that are restarted in their pods count, too. */
function hasRestartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Pending' || status?.phase === 'Running')
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  const limit = spec.backoffLimit ?? 0;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

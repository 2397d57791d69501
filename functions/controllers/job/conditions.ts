import type { Job, JobCondition } from '../../../lib/api/gen/types.ts';
import { rfc3339 } from '../../../lib/clock.ts';

export type JobConditionType = 'Suspended' | 'SuccessCriteriaMet' | 'FailureTarget' | 'Complete' | 'Failed';

/** Why a Job ends. */
export interface Outcome {
  succeeded: boolean;
  reason: string;
  message: string;
}

export function conditionOf(job: Job, type: JobConditionType): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function isFinished(job: Job): boolean {
  return Boolean(conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed'));
}

/** What was decided in an earlier pass: it stays so while the last pods end. */
export function decidedOutcome(job: Job): Outcome | undefined {
  const met = conditionOf(job, 'SuccessCriteriaMet');
  const decided = met ?? conditionOf(job, 'FailureTarget');
  if (!decided) return undefined;
  return { succeeded: met !== undefined, reason: decided.reason ?? '', message: decided.message ?? '' };
}

/**
 * The conditions with this one; the same array where nothing changes. One that would be added to say that something is
 * not so is not added.
 */
export function withCondition(
  conditions: readonly JobCondition[],
  says: { type: JobConditionType; status: 'True' | 'False'; reason: string; message: string },
  nowMs: number,
): readonly JobCondition[] {
  const before = conditions.find(({ type }) => type === says.type);
  if (!before && says.status === 'False') return conditions;
  if (before?.status === says.status && before.reason === says.reason && before.message === says.message) {
    return conditions;
  }
  const at = rfc3339(nowMs);
  const condition: JobCondition = { ...says, lastProbeTime: at, lastTransitionTime: at };
  return before ? conditions.map((one) => (one === before ? condition : one)) : [...conditions, condition];
}

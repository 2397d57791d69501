/**
 * The rules of a Job's status, which others than the Job controller may write (`managedBy`, KEP-4368). What a status
 * already breaks may stay as it is: most checks look only at what an update changes.
 */
import type { Job, JobStatus } from '../../gen/types.ts';
import { messageOf } from '../../../errors.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, omitted, required } from '../../validate/field-error.ts';
import { nonnegative } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { countIndexes, firstCommonIndex } from './indexes.ts';

const path = Path.of('status');
const conditionsPath = path.child('conditions');

type ConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet';

export function validateJobStatusUpdate(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const before = old.status ?? {};
  return [
    ...validateCounts(status),
    ...validateUncounted(status),
    ...validateConditions(job, old),
    ...validateTimes(job, old),
    ...validateFinished(status, before),
    ...validateIndexes(job, old),
    ...validateTransition(job, old),
  ];
}

function has({ conditions = [] }: JobStatus, type: ConditionType): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}

function isSuspended({ conditions = [] }: JobStatus): boolean {
  return conditions.some(({ type, status }) => type === 'Suspended' && status === 'True');
}

function isFinished(status: JobStatus): boolean {
  return has(status, 'Complete') || has(status, 'Failed');
}

function validateCounts(status: JobStatus): FieldError[] {
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
  return counts.flatMap((field) => nonnegative(status[field], path.child(field)));
}

function validateUncounted({ uncountedTerminatedPods }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((field) => {
    const uids = uncountedTerminatedPods?.[field] ?? [];
    return uids.flatMap((uid, index) => {
      const at = path.child('uncountedTerminatedPods', field).index(index);
      if (!uid) return [invalidValue(at, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(at, uid)];
      seen.add(uid);
      return [];
    });
  });
}

function validateConditions(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const before = old.status ?? {};
  const changed = (type: ConditionType) => has(status, type) !== has(before, type);
  const errors: FieldError[] = [];
  const refuse = (isWrong: boolean, detail: string) => {
    if (isWrong) errors.push(invalidValue(conditionsPath, omitted, detail));
  };
  const isComplete = has(status, 'Complete');
  const isFailed = has(status, 'Failed');
  const isTarget = has(status, 'FailureTarget');
  const isMet = has(status, 'SuccessCriteriaMet');
  refuse(
    (changed('Complete') || changed('Failed')) && isComplete && isFailed,
    'cannot set Complete=True and Failed=true conditions',
  );
  refuse(
    (changed('Complete') || changed('FailureTarget')) && isComplete && isTarget,
    'cannot set Complete=True and FailureTarget=true conditions',
  );
  const failedIndexesChanged = status.failedIndexes !== before.failedIndexes;
  refuse(
    (changed('Failed') || failedIndexesChanged) && isFailed && !isTarget,
    'cannot set Failed=True condition without the FailureTarget=true condition',
  );
  refuse(
    (changed('Complete') || changed('SuccessCriteriaMet')) && isComplete && !isMet,
    'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  );
  refuse(isMet && isFailed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions');
  refuse(isMet && isTarget, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  refuse(
    job.spec.successPolicy !== undefined && !isMet && isComplete,
    'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  );
  return errors;
}

function validateTimes(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const before = old.status ?? {};
  const { startTime, completionTime } = status;
  const startChanged = startTime !== before.startTime;
  const completionChanged = completionTime !== before.completionTime;
  const completeChanged = has(status, 'Complete') !== has(before, 'Complete');
  const finishedChanged = isFinished(status) !== isFinished(before);
  const at = path.child('completionTime');
  const errors: FieldError[] = [];
  if (completeChanged || completionChanged) {
    if (completionTime && !has(status, 'Complete')) {
      const detail = 'cannot set completionTime when there is no Complete=True condition';
      errors.push(invalidValue(at, completionTime, detail));
    }
    if (!completionTime && has(status, 'Complete')) {
      errors.push(required(at, 'completionTime is required for Complete jobs'));
    }
  }
  if ((startChanged || completionChanged) && startTime && completionTime && completionTime < startTime) {
    errors.push(invalidValue(at, completionTime, 'completionTime cannot be set before startTime'));
  }
  if ((finishedChanged || startChanged) && !startTime && isFinished(status)) {
    errors.push(required(path.child('startTime'), 'startTime is required for finished job'));
  }
  if (completionTime && before.completionTime && completionChanged) {
    errors.push(invalidValue(at, completionTime, 'completionTime cannot be mutated'));
  }
  // A Job that is resumed begins anew.
  const isResumed = isSuspended(before) && !isSuspended(status);
  if (startChanged && before.startTime && !job.spec.suspend && !isResumed) {
    const detail = 'field is immutable for unsuspended job once set';
    errors.push(invalidValue(path.child('startTime'), startTime ?? null, detail));
  }
  return errors;
}

function validateFinished(status: JobStatus, before: JobStatus): FieldError[] {
  const { active = 0, ready, terminating, uncountedTerminatedPods: uncounted } = status;
  const finished = isFinished(status);
  const finishedChanged = finished !== isFinished(before);
  const activeChanged = active !== (before.active ?? 0);
  const errors: FieldError[] = [];
  if ((finishedChanged || activeChanged) && active > 0 && finished) {
    errors.push(invalidValue(path.child('active'), active, 'active>0 is invalid for finished job'));
  }
  const uncountedChanged = !sameValue(uncounted, before.uncountedTerminatedPods);
  const count = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if ((finishedChanged || uncountedChanged) && finished && count > 0) {
    const detail = 'uncountedTerminatedPods needs to be empty for finished job';
    errors.push(invalidValue(path.child('uncountedTerminatedPods'), uncounted, detail));
  }
  if ((finishedChanged || terminating !== before.terminating) && (terminating ?? 0) > 0 && finished) {
    const detail = 'terminating>0 is invalid for finished job';
    errors.push(invalidValue(path.child('terminating'), terminating, detail));
  }
  if ((ready !== before.ready || activeChanged) && ready !== undefined && ready > active) {
    errors.push(invalidValue(path.child('ready'), ready, 'cannot set more ready pods than active'));
  }
  return errors;
}

function validateIndexes(job: Job, old: Job): FieldError[] {
  const { completions, completionMode, backoffLimitPerIndex } = job.spec;
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const completedChanged = completedIndexes !== (old.status?.completedIndexes ?? '');
  const failedChanged = failedIndexes !== old.status?.failedIndexes;
  const completedPath = path.child('completedIndexes');
  const failedPath = path.child('failedIndexes');
  const errors: FieldError[] = [];
  const checkFormat = (text: string, at: Path, field: string) => {
    try {
      countIndexes(text, completions ?? 0);
    } catch (error) {
      errors.push(invalidValue(at, text, `error parsing ${field}: ${messageOf(error)}`));
    }
  };
  if (completedChanged && completions !== undefined) {
    checkFormat(completedIndexes, completedPath, 'completedIndexes');
  }
  const hasFailed = completions !== undefined && failedIndexes !== undefined;
  if (failedChanged && hasFailed && backoffLimitPerIndex !== undefined) {
    checkFormat(failedIndexes, failedPath, 'failedIndexes');
  }
  if (completedChanged && completedIndexes && completionMode !== 'Indexed') {
    const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    errors.push(invalidValue(completedPath, completedIndexes, detail));
  }
  if (failedChanged && backoffLimitPerIndex === undefined && failedIndexes !== undefined) {
    const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    errors.push(invalidValue(failedPath, failedIndexes, detail));
  }
  if ((failedChanged || completedChanged) && hasFailed) {
    const common = firstCommonIndex(completedIndexes, failedIndexes, completions);
    if (common !== undefined) {
      const detail = `failedIndexes and completedIndexes overlap at index: ${common}`;
      errors.push(invalidValue(failedPath, failedIndexes, detail));
    }
  }
  return errors;
}

/** What has been reached is not taken back. */
function validateTransition(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const before = old.status ?? {};
  const errors: FieldError[] = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (has(before, type) && !has(status, type)) {
      const detail = `cannot disable the terminal ${type}=True condition`;
      errors.push(invalidValue(conditionsPath, omitted, detail));
    }
  }
  if ((status.failed ?? 0) < (before.failed ?? 0)) {
    errors.push(invalidValue(path.child('failed'), status.failed ?? 0, 'cannot decrease the failed counter'));
  }
  const { completionMode, completions, parallelism } = job.spec;
  const isElastic = completionMode === 'Indexed' && completions === parallelism;
  if (!isElastic && (status.succeeded ?? 0) < (before.succeeded ?? 0)) {
    const detail = 'cannot decrease the succeeded counter';
    errors.push(invalidValue(path.child('succeeded'), status.succeeded ?? 0, detail));
  }
  const wasMet = has(before, 'SuccessCriteriaMet');
  const isMet = has(status, 'SuccessCriteriaMet');
  if (wasMet && !isMet) {
    const detail = 'cannot disable the SuccessCriteriaMet=True condition';
    errors.push(invalidValue(conditionsPath, omitted, detail));
  }
  if (has(before, 'Complete') && !wasMet && isMet) {
    const detail = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    errors.push(invalidValue(conditionsPath, omitted, detail));
  }
  return errors;
}

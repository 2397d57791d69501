/** The rules of what a Job is to do, in a Job and in a CronJob's template. */
import type { JobSpec, PodFailurePolicy } from '../../gen/types.ts';
import { optionalChoice } from '../../validate/check.ts';
import { validateDomainPrefixedPath } from '../../validate/domain-path.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required, tooLong } from '../../validate/field-error.ts';
import { nonnegative } from '../../validate/object-meta.ts';
import type { Path } from '../../validate/path.ts';
import { quote } from '../../validate/quote.ts';
import { validatePodTemplate } from '../core/pod/template.ts';
import { podWarnings } from '../core/pod/warnings.ts';
import { validatePodFailurePolicy, validateSuccessPolicy } from './job-policies.ts';

const maxIndexed = 100_000;
/** Beyond so many completions the sets of indexes could grow too large to be kept. */
const manyCompletions = 100_000;
const maxWithManyCompletions = 10_000;
const maxManagedByLength = 63;

export function applyFailurePolicyDefaults(policy: PodFailurePolicy | undefined): void {
  for (const { onPodConditions = [] } of policy?.rules ?? []) {
    for (const pattern of onPodConditions) pattern.status ||= 'True';
  }
}

export function validateJobSpec(spec: JobSpec, path: Path): FieldError[] {
  const counts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const;
  const errors = counts.flatMap((field) => nonnegative(spec[field], path.child(field)));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  }
  if (spec.managedBy !== undefined)
    errors.push(...validateManagedBy(spec.managedBy, path.child('managedBy')));
  errors.push(
    ...optionalChoice(spec.completionMode, ['NonIndexed', 'Indexed'], path.child('completionMode')),
  );
  const isIndexed = spec.completionMode === 'Indexed';
  if (isIndexed) errors.push(...validateIndexed(spec, path));
  else if (spec.completionMode === undefined || spec.completionMode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] === undefined) continue;
      errors.push(invalidValue(path.child(field), spec[field], 'requires indexed completion mode'));
    }
  }
  if (spec.podFailurePolicy) errors.push(...validatePodFailurePolicy(spec, path.child('podFailurePolicy')));
  if (spec.successPolicy) {
    const at = path.child('successPolicy');
    if (isIndexed) errors.push(...validateSuccessPolicy(spec, at));
    else errors.push(invalidValue(at, spec.successPolicy, 'requires indexed completion mode'));
  }
  const replacements = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  errors.push(...optionalChoice(spec.podReplacementPolicy, replacements, path.child('podReplacementPolicy')));
  errors.push(...validatePodTemplate(spec.template, path.child('template')));
  return [...errors, ...validateRestartPolicy(spec, path.child('template', 'spec', 'restartPolicy'))];
}

function validateIndexed(spec: JobSpec, path: Path): FieldError[] {
  const { completions, maxFailedIndexes, parallelism = 0 } = spec;
  const parallelismPath = path.child('parallelism');
  const failedPath = path.child('maxFailedIndexes');
  const errors: FieldError[] = [];
  if (completions === undefined) {
    errors.push(required(path.child('completions'), 'when completion mode is Indexed'));
  }
  if (parallelism > maxIndexed) {
    const detail = `must be less than or equal to ${maxIndexed} when completion mode is Indexed`;
    errors.push(invalidValue(parallelismPath, parallelism, detail));
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.push(invalidValue(failedPath, maxFailedIndexes, 'must be less than or equal to completions'));
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > maxIndexed) {
    errors.push(invalidValue(failedPath, maxFailedIndexes, `must be less than or equal to ${maxIndexed}`));
  }
  if ((completions ?? 0) <= manyCompletions || spec.backoffLimitPerIndex === undefined) return errors;
  const detail = `must be less than or equal to ${maxWithManyCompletions} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) {
    errors.push(required(failedPath, `must be specified when completions is above ${manyCompletions}`));
  }
  if (parallelism > maxWithManyCompletions) errors.push(invalidValue(parallelismPath, parallelism, detail));
  if (maxFailedIndexes !== undefined && maxFailedIndexes > maxWithManyCompletions) {
    errors.push(invalidValue(failedPath, maxFailedIndexes, detail));
  }
  return errors;
}

function validateRestartPolicy({ podFailurePolicy, template }: JobSpec, path: Path): FieldError[] {
  const policy = template.spec.restartPolicy;
  const supported = ['OnFailure', 'Never'];
  if (!policy || policy === 'Always') {
    return [required(path, `valid values: ${supported.map(quote).join(', ')}`)];
  }
  if (!supported.includes(policy)) return [notSupported(path, policy, supported)];
  if (!podFailurePolicy || policy === 'Never') return [];
  return [invalidValue(path, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

function validateManagedBy(name: string, path: Path): FieldError[] {
  const errors = validateDomainPrefixedPath(name, path);
  if (Buffer.byteLength(name) > maxManagedByLength) errors.push(tooLong(path, maxManagedByLength));
  return errors;
}

/** What is allowed and may go wrong. */
export function warnOfJobSpec(
  { completionMode, completions = 0, parallelism = 0, template }: JobSpec,
  path: Path,
): string[] {
  const ofPods = podWarnings(template, path.child('template'));
  if (completionMode !== 'Indexed') return ofPods;
  if (completions <= manyCompletions || parallelism <= maxWithManyCompletions) return ofPods;
  return [
    `${path.toString()}: In Indexed Jobs with a number of completions higher than ${manyCompletions} and a parallelism higher than ${maxWithManyCompletions}, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
    ...ofPods,
  ];
}

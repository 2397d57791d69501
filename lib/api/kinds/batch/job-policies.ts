/** The rules of a Job's pod failure policy (KEP-3329) and success policy (KEP-3998). */
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../gen/types.ts';
import { matches } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import {
  duplicate,
  invalidValue,
  notSupported,
  omitted,
  required,
  tooLong,
  tooMany,
} from '../../validate/field-error.ts';
import { qualifiedName } from '../../validate/formats.ts';
import { nonnegative } from '../../validate/object-meta.ts';
import type { Path } from '../../validate/path.ts';
import { quote } from '../../validate/quote.ts';
import { messageOf } from '../../../errors.ts';
import { countIndexes } from './indexes.ts';

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const maxIndexesBytes = 64 * 1024;

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const statuses = ['False', 'True', 'Unknown'];

export function validatePodFailurePolicy(spec: JobSpec, path: Path): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const at = path.child('rules');
  const errors = rules.length > maxRules ? [tooMany(at, rules.length, maxRules)] : [];
  return [...errors, ...rules.flatMap((rule, index) => validateFailureRule(rule, spec, at.index(index)))];
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, path: Path): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const at = path.child('action');
  const errors: FieldError[] = [];
  if (!action) errors.push(oneOf(at, actions));
  else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      errors.push(invalidValue(at, action, 'requires the backoffLimitPerIndex to be set'));
    }
  } else if (!actions.includes(action)) errors.push(notSupported(at, action, actions));
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, spec, path.child('onExitCodes')));
  errors.push(...validatePatterns(onPodConditions, path.child('onPodConditions')));
  if (onExitCodes && onPodConditions.length > 0) {
    const detail = 'specifying both OnExitCodes and OnPodConditions is not supported';
    errors.push(invalidValue(path, omitted, detail));
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    const detail = 'specifying one of OnExitCodes and OnPodConditions is required';
    errors.push(invalidValue(path, omitted, detail));
  }
  return errors;
}

function validatePatterns(
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  path: Path,
): FieldError[] {
  const errors = patterns.length > maxPatterns ? [tooMany(path, patterns.length, maxPatterns)] : [];
  for (const [index, { type, status }] of patterns.entries()) {
    const at = path.index(index);
    errors.push(...matches(qualifiedName, type, at.child('type')));
    if (!status) errors.push(oneOf(at.child('status'), statuses));
    else if (!statuses.includes(status)) errors.push(notSupported(at.child('status'), status, statuses));
  }
  return errors;
}

function validateExitCodes(
  { operator, containerName, values }: PodFailurePolicyOnExitCodesRequirement,
  { template }: JobSpec,
  path: Path,
): FieldError[] {
  const operatorPath = path.child('operator');
  const errors: FieldError[] = [];
  if (!operator) errors.push(oneOf(operatorPath, operators));
  else if (!operators.includes(operator)) errors.push(notSupported(operatorPath, operator, operators));
  const { containers, initContainers = [] } = template.spec;
  if (
    containerName !== undefined &&
    ![...containers, ...initContainers].some(({ name }) => name === containerName)
  ) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalidValue(path.child('containerName'), containerName, detail));
  }
  const at = path.child('values');
  if (values.length === 0) errors.push(invalidValue(at, values, 'at least one value is required'));
  else if (values.length > maxExitCodes) errors.push(tooMany(at, values.length, maxExitCodes));
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0) {
      errors.push(invalidValue(at.index(index), value, 'must not be 0 for the In operator'));
    }
    if (seen.has(value)) errors.push(duplicate(at.index(index), value));
    seen.add(value);
  }
  const isOrdered = values.every((value, index) => index === 0 || (values[index - 1] as number) <= value);
  return isOrdered ? errors : [...errors, invalidValue(at, values, 'must be ordered')];
}

function oneOf(path: Path, values: readonly string[]): FieldError {
  return required(path, `valid values: [${values.map(quote).join(' ')}]`);
}

export function validateSuccessPolicy(spec: JobSpec, path: Path): FieldError[] {
  const rules = spec.successPolicy?.rules ?? [];
  const at = path.child('rules');
  const errors: FieldError[] = [];
  if (rules.length === 0) {
    const detail = 'at least one rules must be specified when the successPolicy is specified';
    errors.push(required(at, detail));
  }
  if (rules.length > maxRules) errors.push(tooMany(at, rules.length, maxRules));
  const completions = spec.completions ?? 0;
  return [
    ...errors,
    ...rules.flatMap((rule, index) => validateSuccessRule(rule, completions, at.index(index))),
  ];
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  if (succeededCount === undefined && succeededIndexes === undefined) {
    const detail = 'at least one of succeededCount or succeededIndexes must be specified';
    errors.push(required(path, detail));
  }
  let indexes = 0;
  if (succeededIndexes !== undefined) {
    const at = path.child('succeededIndexes');
    if (Buffer.byteLength(succeededIndexes) > maxIndexesBytes) errors.push(tooLong(at, maxIndexesBytes));
    try {
      indexes = countIndexes(succeededIndexes, completions);
    } catch (error) {
      errors.push(invalidValue(at, succeededIndexes, `error parsing succeededIndexes: ${messageOf(error)}`));
    }
  }
  if (succeededCount === undefined) return errors;
  const at = path.child('succeededCount');
  errors.push(...nonnegative(succeededCount, at));
  if (succeededCount > completions) {
    const detail = `must be less than or equal to ${completions} (the number of specified completions)`;
    errors.push(invalidValue(at, succeededCount, detail));
  }
  if (succeededIndexes !== undefined && succeededCount > indexes) {
    const detail = `must be less than or equal to ${indexes} (the number of indexes in the specified succeededIndexes field)`;
    errors.push(invalidValue(at, succeededCount, detail));
  }
  return errors;
}

/** What kinds that make pods from a template have in common. */
import type { LabelSelector, PodTemplateSpec } from '../gen/types.ts';
import { matchesLabels, selectorFromObject } from '../selectors/index.ts';
import type { FieldError } from '../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../validate/field-error.ts';
import { isEmptySelector, validateLabelSelector } from '../validate/labels.ts';
import { nonnegative } from '../validate/object-meta.ts';
import { Path } from '../validate/path.ts';
import { validatePodTemplate } from './core/pod/template.ts';

export const specPath = Path.of('spec');
const statusPath = Path.of('status');

/** `noun` is how the message calls the kind. */
export function validateSelector(selector: LabelSelector | undefined, noun: string): FieldError[] {
  const path = specPath.child('selector');
  if (!selector) return [required(path)];
  const errors = validateLabelSelector(selector, path);
  if (isEmptySelector(selector)) {
    errors.push(invalidValue(path, selector, `empty selector is invalid for ${noun}`));
  }
  return errors;
}

/** A template whose pods must be the workload's own, and run for good. */
export function validateOwnTemplate(
  template: PodTemplateSpec,
  selector: LabelSelector | undefined,
  noun: string,
): FieldError[] {
  const path = specPath.child('template');
  const errors: FieldError[] = [];
  // No selector selects nothing, a bad one is refused elsewhere.
  const isReadable = !selector || validateLabelSelector(selector, path).length === 0;
  if (isReadable && !matchesLabels(selectorFromObject(selector), template.metadata?.labels ?? {})) {
    const detail = '`selector` does not match template `labels`';
    errors.push(invalidValue(path.child('metadata', 'labels'), template.metadata?.labels ?? null, detail));
  }
  errors.push(...validatePodTemplate(template, path));
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== 'Always') {
    errors.push(notSupported(path.child('spec', 'restartPolicy'), restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const at = path.child('spec', 'activeDeadlineSeconds');
    errors.push(fieldForbidden(at, `activeDeadlineSeconds in ${noun} is not Supported`));
  }
  return errors;
}

/**
 * Counts are not negative, and parts are not more than `status.replicas`. `ready` is how the message calls the number
 * of ready replicas.
 */
export function validateCounts<
  T extends { replicas?: number; availableReplicas?: number; readyReplicas?: number },
>(
  status: T,
  counts: readonly (keyof T & string)[],
  parts: readonly (keyof T & string)[],
  ready = 'readyReplicas',
): FieldError[] {
  const numberOf = (field: keyof T & string) => (status[field] as number | undefined) ?? 0;
  const errors = counts.flatMap((field) => nonnegative(numberOf(field), statusPath.child(field)));
  for (const field of parts) {
    if (numberOf(field) > (status.replicas ?? 0)) {
      errors.push(
        invalidValue(statusPath.child(field), numberOf(field), 'cannot be greater than status.replicas'),
      );
    }
  }
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
    const at = statusPath.child('availableReplicas');
    errors.push(invalidValue(at, status.availableReplicas, `cannot be greater than ${ready}`));
  }
  return errors;
}

export function validateCollisionCount(count: number | undefined, old: number | undefined): FieldError[] {
  if (old === undefined || (count ?? -1) >= old) return [];
  return [invalidValue(statusPath.child('collisionCount'), count ?? 0, 'cannot be decremented')];
}

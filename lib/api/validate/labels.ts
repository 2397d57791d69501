import type { LabelSelector, LabelSelectorRequirement } from '../gen/types.ts';
import type { FieldError } from './field-error.ts';
import { fieldForbidden, invalidValue, required } from './field-error.ts';
import { labelValue, qualifiedName } from './formats.ts';
import type { Path } from './path.ts';

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...validateLabelName(key, path));
    for (const message of labelValue(value)) errors.push(invalidValue(path, value, message));
  }
  return errors;
}

export function validateLabelName(name: string, path: Path): FieldError[] {
  return qualifiedName(name).map((message) => invalidValue(path, name, message));
}

export function validateLabelSelector(selector: LabelSelector | null | undefined, path: Path): FieldError[] {
  if (!selector) return [];
  return [
    ...validateLabels(selector.matchLabels, path.child('matchLabels')),
    ...(selector.matchExpressions ?? []).flatMap((requirement, index) =>
      validateRequirement(requirement, path.child('matchExpressions').index(index)),
    ),
  ];
}

function validateRequirement({ key, operator, values }: LabelSelectorRequirement, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const count = values?.length ?? 0;
  if (operator === 'In' || operator === 'NotIn') {
    if (count === 0) {
      errors.push(required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (count > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push(fieldForbidden(path.child('values'), detail));
    }
  } else errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  errors.push(...validateLabelName(key, path.child('key')));
  for (const [index, value] of (values ?? []).entries()) {
    for (const message of labelValue(value)) {
      errors.push(invalidValue(path.child('values').index(index), value, message));
    }
  }
  return errors;
}

/** Nothing is selected by it on purpose: an empty selector matches everything. */
export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

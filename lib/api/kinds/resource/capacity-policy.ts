/** In which portions a device's capacity can be asked for (KEP-5075). */
import type { CapacityRequestPolicy, CapacityRequestPolicyRange } from '../../gen/types.ts';
import { addQuantities, compareQuantities, formatQuantity, parseQuantity } from '../../quantity/index.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required, tooMany } from '../../validate/field-error.ts';
import type { Path } from '../../validate/path.ts';
import { duplicates } from './lists.ts';

const maxValues = 10;

export function validateRequestPolicy(
  policy: CapacityRequestPolicy,
  capacity: string,
  path: Path,
): FieldError[] {
  const { validValues = [], validRange, default: standard } = policy;
  if (validValues.length > 0 && validRange) {
    const detail =
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return [fieldForbidden(path, detail)];
  }
  const field = validValues.length > 0 ? 'validValues' : validRange ? 'validRange' : undefined;
  if (!field) return [];
  if (standard === undefined) {
    return [required(path.child('default'), `required when ${field} is defined`)];
  }
  if (validRange) return validateRange(validRange, standard, capacity, path.child('validRange'));
  return validateValues(validValues, standard, capacity, path.child('validValues'));
}

const compare = (a: string, b: string): number => compareQuantities(parseQuantity(a), parseQuantity(b));

function validateValues(values: readonly string[], standard: string, capacity: string, path: Path) {
  const errors: FieldError[] = [];
  for (const [index, value] of values.entries()) {
    const before = values[index - 1];
    if (before !== undefined && compare(before, value) > 0) {
      errors.push(invalidValue(path.index(index), value, 'values must be sorted in ascending order'));
    }
  }
  if (values.length > maxValues) return [...errors, tooMany(path, values.length, maxValues)];
  for (const [index, value] of values.entries()) {
    if (compare(value, capacity) > 0) {
      const detail = `option is larger than capacity value: ${capacity}`;
      errors.push(invalidValue(path.index(index), value, detail));
    }
  }
  errors.push(...duplicates(values, path, (value) => value));
  if (!values.some((value) => compare(value, standard) === 0)) {
    const detail = 'default value is not valid according to the requestPolicy';
    errors.push(invalidValue(path, standard, detail));
  }
  return errors;
}

function validateRange(
  { min, max, step }: CapacityRequestPolicyRange,
  standard: string,
  capacity: string,
  path: Path,
): FieldError[] {
  if (min === undefined) return [required(path.child('min'), 'required when validRange is defined')];
  const errors: FieldError[] = [];
  const refuse = (field: string, value: string, detail: string) =>
    errors.push(invalidValue(path.child(field), value, detail));
  if (compare(min, capacity) > 0) refuse('min', min, `min is larger than capacity value: ${capacity}`);
  if (compare(standard, min) < 0) refuse('min', standard, `default is less than min: ${min}`);
  if (max !== undefined) {
    if (compare(min, max) > 0) refuse('max', min, `min is larger than max: ${max}`);
    if (compare(max, capacity) > 0) refuse('max', max, `max is larger than capacity value: ${capacity}`);
    if (compare(standard, max) > 0) refuse('max', standard, `default is more than max: ${max}`);
  }
  if (step !== undefined) {
    const next = formatQuantity(addQuantities(parseQuantity(min), parseQuantity(step)));
    if (compare(next, capacity) > 0) {
      refuse('step', step, `one step ${next} is larger than capacity value: ${capacity}`);
    }
    for (const value of max === undefined ? [standard] : [standard, max]) {
      if (isReached(value, min, step)) continue;
      refuse('step', value, `value is not a multiple of a given step (${step}) from (${min})`);
    }
  }
  return errors;
}

/** Whether whole steps lead from `min` to `value`. */
function isReached(value: string, min: string, step: string): boolean {
  const parts = [value, min, step].map(parseQuantity);
  const scale = Math.max(-1000, Math.min(...parts.map((part) => part.scale)));
  const [to = 0n, from = 0n, by = 0n] = parts.map((part) =>
    part.scale - scale > 1000 ? 0n : part.unscaled * 10n ** BigInt(Math.max(0, part.scale - scale)),
  );
  return by !== 0n && (to - from) % by === 0n;
}

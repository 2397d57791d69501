import type { IntOrString } from '../gen/types.ts';
import type { FieldError } from '../validate/field-error.ts';
import { invalidValue } from '../validate/field-error.ts';
import { isPercent, percent } from '../validate/formats.ts';
import { nonnegative } from '../validate/object-meta.ts';
import type { Path } from '../validate/path.ts';

/** A count that is not negative, or a percentage. */
export function validateIntOrPercent(value: IntOrString | undefined, path: Path): FieldError[] {
  if (typeof value !== 'string') return nonnegative(value, path);
  return percent(value).map((message) => invalidValue(path, value, message));
}

export function atMostAll(value: IntOrString | undefined, path: Path): FieldError[] {
  if (typeof value !== 'string' || !isPercent(value) || Number.parseInt(value, 10) <= 100) return [];
  return [invalidValue(path, value, 'must not be greater than 100%')];
}

export function isZero(value: IntOrString | undefined): boolean {
  return typeof value === 'string'
    ? isPercent(value) && Number.parseInt(value, 10) === 0
    : (value ?? 0) === 0;
}

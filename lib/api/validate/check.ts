/** The few shapes that most checks of a field have. */
import type { FieldError } from './field-error.ts';
import { invalidValue, notSupported, required } from './field-error.ts';
import type { Format } from './formats.ts';
import { inRange } from './formats.ts';
import type { Path } from './path.ts';

/** An `Invalid value` for each message of the format. */
export function matches(format: Format, value: string, path: Path): FieldError[] {
  return format(value).map((message) => invalidValue(path, value, message));
}

/** There, and of the format. */
export function requiredMatch(format: Format, value: string | undefined, path: Path): FieldError[] {
  return value ? matches(format, value, path) : [required(path)];
}

/** One of a few values, if it is there at all. `supported` in the order in which the API lists it. */
export function optionalChoice(
  value: string | undefined,
  supported: readonly string[],
  path: Path,
): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

/** One of a few values, and there. */
export function requiredChoice(
  value: string | undefined,
  supported: readonly string[],
  path: Path,
): FieldError[] {
  return value ? optionalChoice(value, supported, path) : [required(path)];
}

export function filled(value: string | undefined, path: Path, detail = ''): FieldError[] {
  return value ? [] : [required(path, detail)];
}

export function withinRange(value: number | undefined, low: number, high: number, path: Path): FieldError[] {
  return value === undefined
    ? []
    : inRange(value, low, high).map((message) => invalidValue(path, value, message));
}

/** A user or group id. */
export const validId = (value: number | undefined, path: Path): FieldError[] =>
  withinRange(value, 0, 2 ** 31 - 1, path);

export function positive(value: number, path: Path): FieldError[] {
  return value > 0 ? [] : [invalidValue(path, value, 'must be greater than zero')];
}

/** Permission bits of a file. */
export function fileMode(mode: number | undefined, path: Path): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

export function noBacksteps(target: string, path: Path): FieldError[] {
  return target.split('/').includes('..') ? [invalidValue(path, target, "must not contain '..'")] : [];
}

/** A path below some directory. */
export function descendingPath(target: string, path: Path): FieldError[] {
  const errors = target.startsWith('/') ? [invalidValue(path, target, 'must be a relative path')] : [];
  return [...errors, ...noBacksteps(target, path)];
}

/** A path below a volume's root, whose own bookkeeping starts with two dots. */
export function volumePath(target: string, path: Path): FieldError[] {
  const errors = descendingPath(target, path);
  if (target.startsWith('..') && !target.startsWith('../')) {
    errors.push(invalidValue(path, target, "must not start with '..'"));
  }
  return errors;
}

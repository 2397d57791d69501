import type { Counter } from '../../gen/types.ts';
import { requiredMatch } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { required } from '../../validate/field-error.ts';
import { dns1123Label } from '../../validate/formats.ts';
import type { Path } from '../../validate/path.ts';
import { validateMap } from './lists.ts';
import { validateLabelled } from './names.ts';

const maxCounters = 32;

/** A named set of counters, or what a device takes from one (KEP-4815). */
export function validateCounters(
  name: string,
  nameField: string,
  counters: Readonly<Record<string, Counter>> | undefined,
  path: Path,
): FieldError[] {
  const errors = requiredMatch(dns1123Label, name, path.child(nameField));
  const at = path.child('counters');
  if (Object.keys(counters ?? {}).length === 0) return [...errors, required(at)];
  const bounds = { max: maxCounters, shownKeyLength: 63 };
  return [...errors, ...validateMap(counters, bounds, at, validateLabelled, () => [])];
}

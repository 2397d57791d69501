import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required, tooLong } from '../../validate/field-error.ts';
import { qualifiedName } from '../../validate/formats.ts';
import type { Path } from '../../validate/path.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

/** What a class hands to its driver, which alone knows what it means. */
export function validateParameters(
  parameters: Readonly<Record<string, string>> | undefined,
  mayBeEmpty: boolean,
  path: Path,
): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > maxParameters) return [tooLong(path, maxParameters)];
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.push(invalidValue(path, key, 'field can not be empty.'));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > maxParameterBytes) errors.push(tooLong(path, maxParameterBytes));
  if (!mayBeEmpty && entries.length === 0) {
    errors.push(required(path, 'must contain at least one key/value pair'));
  }
  return errors;
}

export function validateProvisioner(name: string, path: Path): FieldError[] {
  if (!name) return [required(path)];
  const lower = name.toLowerCase();
  return qualifiedName(lower).map((message) => invalidValue(path, lower, message));
}

import type { FieldError } from './field-error.ts';
import { invalidValue } from './field-error.ts';
import { validateAnnotations } from './object-meta.ts';
import type { Path } from './path.ts';

/** What a pod tells a signer (KEP-4317): as an object's annotations, under names that belong to somebody. */
export function validateUserAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: Path,
): FieldError[] {
  const errors = validateAnnotations(annotations, path);
  for (const key of Object.keys(annotations ?? {})) {
    if (!key.includes('/')) errors.push(invalidValue(path, key, 'must be domain-prefixed'));
  }
  return errors;
}

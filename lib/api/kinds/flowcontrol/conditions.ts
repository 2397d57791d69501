import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, required } from '../../validate/field-error.ts';
import { Path } from '../../validate/path.ts';

/** Each condition of a status has a type of its own. */
export function validateConditionTypes(conditions: readonly { type?: string }[] = []): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '' }, index) => {
    const path = Path.of('status', 'conditions').index(index).child('type');
    const errors = seen.has(type) ? [duplicate(path, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, required(path, 'must not be empty')] : errors;
  });
}

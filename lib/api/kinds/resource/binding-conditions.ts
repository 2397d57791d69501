import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import { validateLabelName } from '../../validate/labels.ts';
import type { Path } from '../../validate/path.ts';
import { duplicates, validateList } from './lists.ts';

const maxConditions = 4;

/** What must come true of a device, or must not, before a pod is bound to it (KEP-5007): both or none. */
export function validateBindingConditions(
  device: { bindingConditions?: string[]; bindingFailureConditions?: string[] },
  path: Path,
): FieldError[] {
  const { bindingConditions: awaited = [], bindingFailureConditions: failing = [] } = device;
  const awaitedPath = path.child('bindingConditions');
  const failingPath = path.child('bindingFailureConditions');
  const errors = [
    ...validateList(awaited, maxConditions, awaitedPath, validateLabelName),
    ...validateList(failing, maxConditions, failingPath, validateLabelName),
    ...duplicates(awaited, awaitedPath, (one) => one),
    ...duplicates(failing, failingPath, (one) => one),
  ];
  for (const [index, condition] of failing.entries()) {
    if (!awaited.includes(condition)) continue;
    const detail = 'bindingFailureConditions must not overlap with bindingConditions';
    errors.push(invalidValue(failingPath.index(index), condition, detail));
  }
  if (awaited.length === 0 && failing.length > 0) {
    const detail = 'bindingConditions are required to use bindingFailureConditions';
    errors.push(invalidValue(awaitedPath, device.bindingConditions ?? null, detail));
  }
  if (failing.length === 0 && awaited.length > 0) {
    const detail = 'bindingFailureConditions are required to use bindingConditions';
    errors.push(invalidValue(failingPath, device.bindingFailureConditions ?? null, detail));
  }
  return errors;
}

import type { Condition } from '../gen/types.ts';
import type { FieldError } from '../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooLong } from '../validate/field-error.ts';
import { qualifiedName, regexMessage } from '../validate/formats.ts';
import type { Path } from '../validate/path.ts';

const statuses = ['False', 'True', 'Unknown'];
const reasonPattern = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const maxReasonBytes = 1024;
const maxMessageBytes = 32 * 1024;

/** `metav1.Condition`: each type once, with a status, a reason in CamelCase and the time of its last change. */
export function validateConditions(conditions: readonly Condition[], path: Path): FieldError[] {
  const types = conditions.map(({ type }) => type);
  return conditions.flatMap((condition, index) => {
    const at = path.index(index);
    const { type, status, reason = '', message = '', observedGeneration = 0 } = condition;
    const errors: FieldError[] = [];
    if (types.indexOf(type) < index) errors.push(duplicate(at.child('type'), type));
    errors.push(...qualifiedName(type ?? '').map((message) => invalidValue(at.child('type'), type, message)));
    if (!statuses.includes(status)) errors.push(notSupported(at.child('status'), status, statuses));
    if (observedGeneration < 0) {
      const detail = 'must be greater than or equal to zero';
      errors.push(invalidValue(at.child('observedGeneration'), observedGeneration, detail));
    }
    if (!condition.lastTransitionTime) errors.push(required(at.child('lastTransitionTime'), 'must be set'));
    if (Buffer.byteLength(reason) > maxReasonBytes) errors.push(tooLong(at.child('reason'), maxReasonBytes));
    if (reason === '') errors.push(required(at.child('reason'), 'must be set'));
    else if (!new RegExp(`^${reasonPattern}$`).test(reason)) {
      const rule =
        "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
      const detail = regexMessage(
        rule,
        reasonPattern,
        'my_name',
        'MY_NAME',
        'MyName',
        'ReasonA,ReasonB',
        'ReasonA:ReasonB',
      );
      errors.push(invalidValue(at.child('reason'), reason, detail));
    }
    if (Buffer.byteLength(message) > maxMessageBytes) {
      errors.push(tooLong(at.child('message'), maxMessageBytes));
    }
    return errors;
  });
}

import type { Condition } from '../gen/types.ts';
import type { FieldError } from './field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooLong } from './field-error.ts';
import { regexMessage } from './formats.ts';
import { validateLabelName } from './labels.ts';
import type { Path } from './path.ts';

const maxReasonBytes = 1024;
const maxMessageBytes = 32 * 1024;
const reasonPattern = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const statuses = ['False', 'True', 'Unknown'];

/** The rules of `metav1.Condition` (API reference): one of each type, with a status, a reason and a time. */
export function validateConditions(conditions: readonly Condition[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap((condition, index) => {
    const at = path.index(index);
    const errors = seen.has(condition.type) ? [duplicate(at.child('type'), condition.type)] : [];
    seen.add(condition.type);
    return [...errors, ...validateCondition(condition, at)];
  });
}

function validateCondition(condition: Condition, path: Path): FieldError[] {
  const { type, status, observedGeneration = 0, lastTransitionTime, reason, message } = condition;
  const errors = validateLabelName(type, path.child('type'));
  if (!statuses.includes(status)) errors.push(notSupported(path.child('status'), status, statuses));
  if (observedGeneration < 0) {
    const detail = 'must be greater than or equal to zero';
    errors.push(invalidValue(path.child('observedGeneration'), observedGeneration, detail));
  }
  if (!lastTransitionTime) errors.push(required(path.child('lastTransitionTime'), 'must be set'));
  const at = path.child('reason');
  if (!reason) errors.push(required(at, 'must be set'));
  else if (!new RegExp(`^${reasonPattern}$`).test(reason))
    errors.push(invalidValue(at, reason, reasonProblem));
  if (Buffer.byteLength(reason) > maxReasonBytes) errors.push(tooLong(at, maxReasonBytes));
  if (Buffer.byteLength(message) > maxMessageBytes)
    errors.push(tooLong(path.child('message'), maxMessageBytes));
  return errors;
}

const reasonProblem = regexMessage(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  reasonPattern,
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
);

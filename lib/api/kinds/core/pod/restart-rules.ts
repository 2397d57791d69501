import type { Container } from '../../../gen/types.ts';
import { optionalChoice } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { notSupported, required, tooLong } from '../../../validate/field-error.ts';
import type { Path } from '../../../validate/path.ts';

const maxRules = 20;
const maxExitCodes = 255;

/** A container's own restart policy, and rules by exit code (KEP-5307). */
export function validateRestartRules(
  { restartPolicy, restartPolicyRules: rules = [] }: Container,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const policyPath = path.child('restartPolicy');
  if (restartPolicy === undefined) {
    if (rules.length === 0) return [];
    errors.push(required(policyPath, 'must specify restartPolicy when restart rules are used'));
  } else errors.push(...optionalChoice(restartPolicy, ['Always', 'Never', 'OnFailure'], policyPath));
  const rulesPath = path.child('restartPolicyRules');
  if (rules.length > maxRules) errors.push(tooLong(rulesPath, maxRules));
  for (const [index, { action, exitCodes }] of rules.entries()) {
    const at = rulesPath.index(index);
    if (action !== 'Restart') errors.push(notSupported(at.child('action'), action, ['Restart']));
    if (!exitCodes) {
      errors.push(required(at.child('exitCodes'), 'must be specified'));
      continue;
    }
    errors.push(...optionalChoice(exitCodes.operator, ['In', 'NotIn'], at.child('exitCodes', 'operator')));
    if ((exitCodes.values?.length ?? 0) > maxExitCodes) {
      errors.push(tooLong(at.child('exitCodes', 'values'), maxExitCodes));
    }
  }
  return errors;
}

import type { MatchCondition } from '../../gen/types.ts';
import { filled, matches } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, required, tooMany } from '../../validate/field-error.ts';
import { qualifiedName } from '../../validate/formats.ts';
import type { Path } from '../../validate/path.ts';
import { checkExpression } from './expressions.ts';

const maxConditions = 64;

/** Expressions that must all hold for a request to be sent on (KEP-3716). */
export function validateMatchConditions(
  conditions: readonly MatchCondition[],
  path: Path,
  hasParams = false,
): FieldError[] {
  const names = conditions.map(({ name }) => name);
  const errors = conditions.flatMap(({ name, expression }, index) => {
    const at = path.index(index);
    const trimmed = (expression ?? '').trim();
    const problems = trimmed
      ? checkExpression(trimmed, at.child('expression'), {
          hasParams,
          hasAuthorizer: true,
          returns: ['bool'],
        })
      : [required(at.child('expression'))];
    problems.push(...filled(name, at.child('name')));
    if (!name) return problems;
    problems.push(...matches(qualifiedName, name, at.child('name')));
    if (names.indexOf(name) < index) problems.push(duplicate(at.child('name'), name));
    return problems;
  });
  const count = conditions.length;
  return count > maxConditions ? [tooMany(path, count, maxConditions), ...errors] : errors;
}

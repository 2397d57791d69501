/** `matchConditions` of an AuthorizationConfiguration: all must hold for a webhook to be asked (KEP-3221). */
import type { SubjectAccessReviewSpec } from '../../../../lib/api/gen/types.ts';
import type { JsonValue } from '../../../../lib/api/object.ts';
import type { ReviewCondition } from '../../../../lib/cel/index.ts';

/** What all conditions of one decision may cost together (`RuntimeCELCostBudgetMatchConditions`). */
const costBudget = 2_500_000;

/**
 * One that is false decides, whatever the others come to.
 * @throws Error when none is false and one fails, or when they cost too much
 */
export function conditionsHold(
  conditions: readonly ReviewCondition[],
  spec: SubjectAccessReviewSpec,
): boolean {
  const failures: string[] = [];
  let left = costBudget;
  for (const { source, run } of conditions) {
    const outcome = run(spec as unknown as JsonValue);
    left -= outcome.cost;
    if (left < 0) throw new Error('the match conditions cost more than they may');
    if ('error' in outcome)
      failures.push(`cel evaluation error: expression '${source}' resulted in error: ${outcome.error}`);
    else if (outcome.value === false) return false;
  }
  if (failures.length > 0) throw new Error(failures.join(', '));
  return true;
}

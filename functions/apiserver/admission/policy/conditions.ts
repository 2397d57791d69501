/** `matchConditions`: all must hold for a policy to look at a request (KEP-3716). */
import type { KubeObject } from '../../../../lib/api/object.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { activationFor, type RequestValues } from './activation.ts';
import type { AuthorizerValues } from './authorizer.ts';
import { Budget, evaluate, OutOfBudget } from './budget.ts';
import type { Compiled } from './compiled.ts';
import type { PolicyRuntime } from './runtime.ts';

/** One that is false decides, whatever the others come to; else one that fails is an error. */
export async function matchConditionsHold(
  runtime: PolicyRuntime,
  conditions: readonly Compiled[],
  values: RequestValues,
  parts: { param?: KubeObject | undefined; authorizer: AuthorizerValues },
): Promise<boolean | { error: string }> {
  if (conditions.length === 0) return true;
  const budget = Budget.forConditions();
  const named = activationFor(runtime, { ...values, namespace: undefined }, parts);
  const errors: string[] = [];
  try {
    const results = [];
    for (const condition of conditions) results.push(await evaluate(runtime, condition, named, budget));
    for (const result of results) {
      if ('error' in result) errors.push(result.error);
      else if (result.value === false) return false;
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return { error: messageOf(error) };
  }
  const distinct = [...new Set(errors)];
  if (distinct.length === 0) return true;
  return { error: distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]` };
}

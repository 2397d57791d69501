/** Expressions of one evaluation share what they may cost (`RuntimeCELCostBudget`). */
import type { Activation, CelValue } from '../../../../lib/cel/runtime.ts';
import type { Compiled } from './compiled.ts';
import type { PolicyRuntime } from './runtime.ts';

const evaluationBudget = 10_000_000;
const conditionBudget = evaluationBudget / 4;

/** Thrown where nothing more can be evaluated. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget';
}

export class Budget {
  #left: number;
  constructor(units: number) {
    this.#left = units;
  }
  static forEvaluation = (): Budget => new Budget(evaluationBudget);
  static forConditions = (): Budget => new Budget(conditionBudget);

  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) {
      throw new OutOfBudget(
        'validation failed due to running out of cost budget, no further validation rules will be run',
      );
    }
  }
}

export type Result = { value: CelValue } | { error: string };

/** @throws OutOfBudget */
export async function evaluate(
  runtime: PolicyRuntime,
  compiled: Compiled,
  { activation, spent }: { activation: Activation; spent: () => number },
  budget: Budget,
): Promise<Result> {
  if ('error' in compiled) return { error: `compilation error: ${compiled.error}` };
  const outcome = await runtime.run(compiled, activation);
  budget.spend(outcome.cost + spent());
  if (!('error' in outcome)) return outcome;
  return { error: `expression '${compiled.source}' resulted in error: ${outcome.error}` };
}

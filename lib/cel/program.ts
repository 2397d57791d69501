/** An expression that compiles, ready to be run any number of times. */
import { check } from './check.ts';
import type { Environment } from './environment.ts';
import { Meter, perCallLimit } from './run/cost.ts';
import { type Activation, evaluate, Pending } from './run/evaluate.ts';
import { CelError, type CelValue } from './run/values.ts';
import { isIssue, issuesText, type Parsed, parse } from './syntax.ts';
import type { CelType } from './types.ts';

export interface Program {
  source: string;
  type: CelType;
  parsed: Parsed;
}

/** `cost` counts whether or not there is a value. */
export type Outcome = { value: CelValue; cost: number } | { error: string; cost: number };

/** @throws CelError that says what is wrong, as kube-apiserver does. */
export function prepare(environment: Environment, source: string): Program {
  const parsed = parse(source);
  if (isIssue(parsed)) throw new CelError(`compilation failed: ${issuesText(source, [parsed])}`);
  const { type, issues } = check(environment, parsed);
  if (issues.length > 0) throw new CelError(`compilation failed: ${issuesText(source, issues)}`);
  return { source, type, parsed };
}

/** So often an expression may stop to wait for an answer; its cost limit allows fewer. */
const maxWaits = 100;

/** Never throws for what the expression does. */
export async function run(program: Program, activation: Activation, limit = perCallLimit): Promise<Outcome> {
  for (let wait = 0; wait < maxWaits; wait++) {
    try {
      return runNow(program, activation, limit);
    } catch (error) {
      if (!(error instanceof Pending)) throw error;
      await error.promise;
    }
  }
  return { error: 'operation cancelled: actual cost limit exceeded', cost: limit };
}

/** The same where nothing has to be waited for. @throws Pending */
export function runNow(program: Program, activation: Activation, limit = perCallLimit): Outcome {
  const meter = new Meter(limit);
  try {
    const value = evaluate(program.parsed, activation, meter);
    return { value, cost: meter.cost };
  } catch (error) {
    if (error instanceof CelError) return { error: error.message, cost: meter.cost };
    if (error instanceof RangeError)
      return { error: 'expression recursion limit exceeded', cost: meter.cost };
    throw error;
  }
}

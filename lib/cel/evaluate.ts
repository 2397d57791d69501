/** Runs expressions, once their types are checked. */
import {
  type CelInput,
  celEnv,
  celFunc,
  celList,
  celMap,
  CelScalar,
  isCelError,
  isCelList,
  isCelMap,
  listType,
  plan,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { messageOf } from '../errors.ts';
import { compile } from './compile.ts';
import type { Environment } from './environment.ts';
import { callOptionals } from './optional-calls.ts';
import { optionalFunctions, optionalRegistry } from './optional-values.ts';
import { isIssue, parse } from './syntax.ts';

export interface Program {
  /**
   * Objects and lists of `variables` are JSON; what comes back is JSON, with `bigint` for integers.
   * @throws Error with what went wrong: a field that is not there, an operator that does not fit
   */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
  /** Fields of variables that the expression names: `claims.email`. */
  selects: ReadonlySet<string>;
}

const { BOOL, DYN } = CelScalar;
const anyList = listType(DYN);
const has = (list: Iterable<unknown>, wanted: unknown) => [...list].some((one) => one === wanted);
const hasAll = (list: Iterable<unknown>, wanted: Iterable<unknown>) =>
  [...wanted].every((one) => has(list, one));

const sets = [
  celFunc('sets.contains', [anyList, anyList], BOOL, (list, sub) => hasAll(list, sub)),
  celFunc(
    'sets.equivalent',
    [anyList, anyList],
    BOOL,
    (one, other) => hasAll(one, other) && hasAll(other, one),
  ),
  celFunc('sets.intersects', [anyList, anyList], BOOL, (one, other) =>
    [...other].some((value) => has(one, value)),
  ),
];

const environment = celEnv({
  registry: optionalRegistry,
  funcs: [...strings, ...sets, ...optionalFunctions],
});
/** Of the language itself, not found among the functions. */
const operators = new Set(['_?_:_', '_&&_', '_||_', '_[_]', '@not_strictly_false', '__not_strictly_false__']);

/**
 * `returns`: as of `compile`. What is wrong with the expression is said as kube-apiserver says it; what is right and
 * cannot be run here (functions on addresses, quantities and such) is said too, now and not when it is run.
 */
export function prepare(
  types: Environment,
  source: string,
  returns: readonly string[],
): Program | { problem: string } {
  const compiled = compile(types, source, returns);
  if ('problem' in compiled) return compiled;
  const parsed = parse(source);
  if (isIssue(parsed)) return { problem: parsed.message };
  try {
    const { selects, calls } = callOptionals(parsed);
    const strange = calls.find(
      (names) => !names.some((name) => operators.has(name) || environment.funcs.find(name)),
    );
    if (strange) return { problem: `function "${strange[0]}" cannot be evaluated here` };
    const run = plan(environment, parsed.expr) as (variables: Record<string, CelInput>) => unknown;
    return {
      selects,
      evaluate(variables) {
        const inputs = Object.entries(variables).map(([name, value]) => [name, inputOf(value)] as const);
        const result = run(Object.fromEntries(inputs));
        if (isCelError(result)) throw new Error(result.message);
        return plainOf(result);
      },
    };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** Whole numbers of JSON are integers, as in Kubernetes' unstructured objects. */
function inputOf(value: unknown): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return celList(value.map(inputOf));
  if (typeof value !== 'object' || value === null) return value as CelInput;
  return celMap(new Map(Object.entries(value).map(([key, one]) => [key, inputOf(one)])));
}

function plainOf(value: unknown): unknown {
  if (isCelList(value)) return [...value].map(plainOf);
  if (isCelMap(value)) return Object.fromEntries([...value].map(([key, one]) => [String(key), plainOf(one)]));
  return value;
}

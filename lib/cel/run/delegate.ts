/** Operators and functions that the package knows: each is planned once, and run with its operands as variables. */
import { celEnv, isCelError, isCelList, isCelMap, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { CelError } from './error.ts';
import type { CelValue } from './values.ts';

type Operands = Parameters<ReturnType<typeof plan>>[0];
type Run = ReturnType<typeof plan>;

const environment = celEnv({ funcs: strings });
const plans = new Map<string, Run>();

const infix: Readonly<Record<string, string>> = {
  '_+_': '+',
  '_-_': '-',
  '_*_': '*',
  '_/_': '/',
  '_%_': '%',
  '_==_': '==',
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
};

function textOf(name: string, isMember: boolean, count: number): string {
  const operands = Array.from({ length: count }, (_, index) => `v${index}`);
  const operator = infix[name];
  if (operator) return operands.join(` ${operator} `);
  if (name === '!_') return `!${operands[0]}`;
  if (name === '-_') return `-${operands[0]}`;
  const [target, ...rest] = operands;
  return isMember ? `${target}.${name}(${rest.join(', ')})` : `${name}(${operands.join(', ')})`;
}

/** @throws CelError where the package does not know the function for such operands, or it fails. */
export function delegate(name: string, isMember: boolean, operands: readonly CelValue[]): CelValue {
  const key = `${isMember ? '.' : ''}${name}/${operands.length}`;
  let run = plans.get(key);
  if (!run) {
    run = plan(environment, parse(textOf(name, isMember, operands.length)));
    plans.set(key, run);
  }
  const result = run(Object.fromEntries(operands.map((value, index) => [`v${index}`, value])) as Operands);
  if (isCelError(result)) throw new CelError(wordsOf(result.message));
  return native(result);
}

function native(value: unknown): CelValue {
  if (isCelList(value)) return Array.from(value, native);
  if (isCelMap(value)) return new Map(Array.from(value, ([key, member]) => [native(key), native(member)]));
  return value as CelValue;
}

/** cel-go's words for what the package says in its own. */
const words: readonly (readonly [RegExp, string])[] = [
  [/^(?:int|uint) divide by zero$/, 'division by zero'],
  [/^(?:int|uint) modulus by zero$/, 'modulus by zero'],
  [/^int overflow/, 'integer overflow'],
  [/^uint overflow/, 'unsigned integer overflow'],
  [/^(?:found no matching overload|unbound function)/, 'no such overload'],
];

function wordsOf(message: string): string {
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? message;
}

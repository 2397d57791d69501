/** Declarations of functions: which arguments they take, and what they yield. */
import { type CelType, parseType } from './types.ts';

export interface Overload {
  /** Called as `target.name(args)`; the target is the first of the parameters. */
  isMember: boolean;
  parameters: readonly CelType[];
  result: CelType;
}

export type Functions = ReadonlyMap<string, readonly Overload[]>;

/**
 * Reads declarations, one a line: `name(int, list(A)) -> A`, or `string.name(int) -> bool` where it is called on a
 * value; several forms of one name may follow each other after `|`.
 */
export function declare(...texts: readonly string[]): Functions {
  const functions = new Map<string, Overload[]>();
  for (const line of texts.join('\n').split('\n')) {
    const text = line.trim();
    if (text === '') continue;
    const space = text.indexOf(': ');
    const name = text.slice(0, space);
    const overloads = functions.get(name) ?? [];
    for (const form of text.slice(space + 2).split(' | ')) overloads.push(overloadOf(form));
    functions.set(name, overloads);
  }
  return functions;
}

/** `string.(int, int) -> bool` or `(int) -> bool` */
function overloadOf(form: string): Overload {
  const match = /^(?:(.+)\.)?\((.*)\) -> (.+)$/.exec(form.trim());
  if (!match) throw new Error(`not a declaration: ${form}`);
  const [, target, parameters = '', result = ''] = match;
  const types = splitTypes(parameters).map(parseType);
  return {
    isMember: target !== undefined,
    parameters: target === undefined ? types : [parseType(target), ...types],
    result: parseType(result),
  };
}

/** Commas inside of brackets belong to a type. */
function splitTypes(text: string): string[] {
  if (text.trim() === '') return [];
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return parts;
}

/** CEL expressions in the fields of this group's kinds. What compiles them is loaded when it is first needed. */
import type { CelType } from '../../../cel/types.ts';
import { reservedWords } from '../../../cel/reserved-words.ts';
import { loadedAhead } from '../../../lazy.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import type { Path } from '../../validate/path.ts';

/** Variables of a policy by name, each known to the expressions after it. */
export type Variables = Map<string, CelType>;

/** What an expression may name beside `object`, `oldObject`, `request` and `namespaceObject`, and what it must yield. */
export interface ExpressionOptions {
  hasParams: boolean;
  hasAuthorizer: boolean;
  /** `Object{…}` and `JSONPatch{…}` can be made. */
  hasPatchTypes?: boolean;
  variables?: Variables;
  /** The variable that the expression gives its type to. */
  declares?: string;
  returns: readonly string[];
}

const compiler = loadedAhead('the compiler of expressions', () => import('../../../cel/index.ts'));

export const loadExpressions = (): Promise<void> => compiler.load();

export function newVariables(): Variables {
  return new Map();
}

/** `shown` is the expression as it was written, where blanks around it were cut off. */
export function checkExpression(
  expression: string,
  path: Path,
  { returns, declares, ...options }: ExpressionOptions,
  shown = expression,
): FieldError[] {
  const cel = compiler.get();
  const compiled = cel.compile(cel.admissionEnvironment(options), expression, returns);
  if ('problem' in compiled) {
    // The variable is there all the same: what uses it is not to blame.
    if (declares) options.variables?.set(declares, cel.dyn);
    return [invalidValue(path, shown, compiled.problem)];
  }
  if (declares) options.variables?.set(declares, compiled.type);
  return [];
}

export function isCelIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !reservedWords.has(name);
}

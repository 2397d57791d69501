import { check } from './check.ts';
import type { Environment } from './environment.ts';
import { isIssue, issuesText, parse } from './syntax.ts';
import { type CelType, typeText } from './types.ts';

export type Compiled =
  | { type: CelType }
  /** What is wrong, as kube-apiserver says it. */
  | { problem: string };

/** `returns`: the types, as text, one of which the expression must have; `any` for all. */
export function compile(environment: Environment, source: string, returns: readonly string[]): Compiled {
  const parsed = parse(source);
  if (isIssue(parsed)) return { problem: `compilation failed: ${issuesText(source, [parsed])}` };
  const { type, issues } = check(environment, parsed);
  if (issues.length > 0) return { problem: `compilation failed: ${issuesText(source, issues)}` };
  const text = typeText(type);
  if (returns.includes('any') || returns.includes(text)) return { type };
  const [only] = returns;
  const wanted = returns.length === 1 ? `${only}` : `one of [${returns.join(' ')}]`;
  return { problem: `must evaluate to ${wanted} but got ${text}` };
}

/**
 * What a policy's expressions cannot mean for the types that it is for (KEP-3488, "Type checking"). Nothing is refused by
 * it: the types may change, and a policy may be for more than is known.
 */
import type { ExpressionWarning, ValidatingAdmissionPolicy } from '../api/gen/types.ts';
import { admissionEnvironment } from './admission.ts';
import { check } from './check.ts';
import { type DeclaredTypes, declaredTypes } from './declared.ts';
import type { Environment } from './environment.ts';
import { isIssue, issuesText, parse } from './syntax.ts';
import { type CelType, dyn } from './types.ts';
import type { Schema } from '../api/schema.ts';

export interface TypedKind {
  group: string;
  version: string;
  kind: string;
  schema: Schema;
}

/** One warning for each expression that is wrong for a type; `kinds` in the order in which they are told of. */
export function policyTypeWarnings(
  { spec }: ValidatingAdmissionPolicy,
  kinds: readonly TypedKind[],
  params: TypedKind | undefined,
): ExpressionWarning[] {
  const environments = kinds.map((kind) => ({
    kind,
    environment: environmentFor(spec.variables, kind, params),
  }));
  const warningsOf = (expression: string | undefined, fieldRef: string): ExpressionWarning[] => {
    if (!expression) return [];
    const found = environments.flatMap(({ kind, environment }) => {
      const problem = problemOf(environment, expression).text;
      return problem === undefined ? [] : [`${nameOf(kind)}: ${problem}\n`];
    });
    return found.length === 0 ? [] : [{ fieldRef, warning: found.join('\n') }];
  };
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    ...warningsOf(expression, `spec.validations[${index}].expression`),
    ...warningsOf(messageExpression, `spec.validations[${index}].messageExpression`),
  ]);
}

function environmentFor(
  variables: ValidatingAdmissionPolicy['spec']['variables'],
  kind: TypedKind,
  params: TypedKind | undefined,
): Environment {
  const known = new Map<string, CelType>();
  const environment = admissionEnvironment({
    hasParams: params !== undefined,
    hasAuthorizer: true,
    ...(variables?.length && { variables: known }),
    types: { object: declared(kind), ...(params && { params: declared(params) }) },
  });
  for (const { name, expression } of variables ?? [])
    known.set(name, problemOf(environment, expression).type);
  return environment;
}

function declared({ kind, schema }: TypedKind): DeclaredTypes {
  return declaredTypes(schema, kind);
}

/** What does not compile has no type; whoever uses it is not to blame. */
function problemOf(environment: Environment, expression: string): { type: CelType; text?: string } {
  const parsed = parse(expression);
  if (isIssue(parsed)) return { type: dyn, text: issuesText(expression, [parsed]) };
  const { type, issues } = check(environment, parsed);
  return issues.length === 0 ? { type } : { type: dyn, text: issuesText(expression, issues) };
}

/** As Go prints a GroupVersionKind. */
function nameOf({ group, version, kind }: TypedKind): string {
  return `${group}/${version}, Kind=${kind}`;
}

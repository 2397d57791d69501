/** Expressions of an AuthenticationConfiguration: about a token's claims, or about the user that they make (KEP-3331). */
import type { Expr } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import type { JsonValue } from '../api/object.ts';
import { userInfoFields } from './admission.ts';
import { compile } from './compile.ts';
import { type Environment, kubernetesFunctions } from './environment.ts';
import { prepare, runNow } from './program.ts';
import { type CelValue, fromJson } from './run/values.ts';
import type { Parsed } from './syntax.ts';
import { dyn, mapOf, string } from './types.ts';

const userInfo = 'kubernetes.UserInfo';

const environments: Readonly<Record<'claims' | 'user', Environment>> = {
  claims: {
    variables: new Map([['claims', mapOf(string, dyn)]]),
    functions: kubernetesFunctions,
    objects: new Map(),
  },
  user: {
    variables: new Map([['user', { kind: 'object', name: userInfo }]]),
    functions: kubernetesFunctions,
    objects: new Map([[userInfo, userInfoFields]]),
  },
};

export interface IdentityExpression {
  /** @throws Error with what went wrong: a claim that is not there, an operator that does not fit */
  evaluate(value: JsonValue): CelValue;
  /** Fields of the variable that the expression names: `email` of `claims.email`. */
  fields: ReadonlySet<string>;
}

/** `about`: the one variable that there is. `returns`: as of `compile`. */
export function identityExpression(
  about: 'claims' | 'user',
  source: string,
  returns: readonly string[],
): IdentityExpression | { problem: string } {
  const environment = environments[about];
  const compiled = compile(environment, source, returns);
  if ('problem' in compiled) return compiled;
  const program = prepare(environment, source);
  return {
    fields: fieldsOf(about, program.parsed),
    evaluate(value) {
      const variable = fromJson(value);
      const outcome = runNow(program, (name) => (name === about ? variable : undefined));
      if ('error' in outcome) throw new Error(outcome.error);
      return outcome.value;
    },
  };
}

function fieldsOf(variable: string, { expr, optional, positions }: Parsed): Set<string> {
  const fields = new Set<string>();
  const visit = (node: Expr | undefined): void => {
    if (!node) return;
    const { exprKind } = node;
    switch (exprKind.case) {
      case 'selectExpr': {
        const { operand, field } = exprKind.value;
        const isOf = operand?.exprKind.case === 'identExpr' && operand.exprKind.value.name === variable;
        // The parser was given the field of `.?` with a letter before it.
        const isOptional = optional.selects.has(positions[node.id.toString()] ?? -1);
        if (isOf) fields.add(isOptional ? field.slice(1) : field);
        visit(operand);
        break;
      }
      case 'callExpr':
        for (const part of [exprKind.value.target, ...exprKind.value.args]) visit(part);
        break;
      case 'listExpr':
        for (const element of exprKind.value.elements) visit(element);
        break;
      case 'structExpr':
        for (const { keyKind, value } of exprKind.value.entries) {
          if (keyKind.case === 'mapKey') visit(keyKind.value);
          visit(value);
        }
        break;
      case 'comprehensionExpr': {
        const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
        for (const part of [iterRange, accuInit, loopCondition, loopStep, result]) visit(part);
        break;
      }
      case 'constExpr':
      case 'identExpr':
      case undefined:
        break;
    }
  };
  visit(expr);
  return fields;
}

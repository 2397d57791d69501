/** Macros that the parser leaves as calls: bindings, optional values, and those over keys and values. */
import type { Expr, Expr_Call } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';

export type Macro =
  /** `cel.bind(name, value, body)` */
  | { kind: 'bind'; variable: string; value: Expr; body: Expr }
  /** `value.optMap(name, body)`, `value.optFlatMap(name, body)` */
  | { kind: 'optional'; name: 'optMap' | 'optFlatMap'; target: Expr; variable: string; body: Expr }
  | {
      kind: 'each';
      target: Expr;
      variables: string[];
      /** The last one makes the result; those before it choose what is looked at. */
      bodies: Expr[];
      yields: 'bool' | 'same' | 'list' | 'map' | 'entries';
      /** Of those that yield `bool`: for how many it must hold. */
      quantifier?: 'all' | 'exists' | 'one';
    };

const overPairs: Readonly<Record<string, 'bool' | 'list' | 'map' | 'entries'>> = {
  all: 'bool',
  exists: 'bool',
  existsOne: 'bool',
  exists_one: 'bool',
  transformList: 'list',
  transformMap: 'map',
  transformMapEntry: 'entries',
};

export function expandsMacro({ function: name, target, args }: Expr_Call): Macro | undefined {
  if (!target) return undefined;
  const [first, second, third, fourth] = args;
  const variable = nameOf(first);
  if (variable === undefined || !second) return undefined;
  if (nameOf(target) === 'cel' && name === 'bind' && args.length === 3 && third) {
    return { kind: 'bind', variable, value: second, body: third };
  }
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) {
    return { kind: 'optional', name, target, variable, body: second };
  }
  if (name === 'sortBy' && args.length === 2) {
    return { kind: 'each', target, variables: [variable], bodies: [second], yields: 'same' };
  }
  const yields = Object.hasOwn(overPairs, name) ? overPairs[name] : undefined;
  const other = nameOf(second);
  if (!yields || other === undefined || !third || args.length > (yields === 'bool' ? 3 : 4)) return undefined;
  const bodies = fourth ? [third, fourth] : [third];
  const quantifier = name === 'all' || name === 'exists' ? name : 'one';
  const variables = [variable, other];
  return { kind: 'each', target, variables, bodies, yields, ...(yields === 'bool' && { quantifier }) };
}

function nameOf(expr: Expr | undefined): string | undefined {
  return expr?.exprKind.case === 'identExpr' ? expr.exprKind.value.name : undefined;
}

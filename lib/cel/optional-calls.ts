/** What the evaluator does not know of optional values (`a.?b`, `a[?b]`, what is selected from either) becomes calls. */
import {
  type Expr,
  Expr_CallSchema,
  ExprSchema,
  ConstantSchema,
  type Expr_Call,
} from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { create } from '@bufbuild/protobuf';
import { expandsMacro } from './macros.ts';
import type { Parsed } from './syntax.ts';

export const optionalSelect = '@optional_select';

/** What an expression asks for. */
export interface Used {
  /** Fields of variables: `claims.email`. */
  selects: Set<string>;
  /** Functions, by all names that a call may mean: `sets.contains` and `contains`. */
  calls: string[][];
}

/** Changes the tree in place. @throws Error for a part of the language that cannot be evaluated */
export function callOptionals({ expr, positions, optional }: Parsed): Used {
  const used: Used = { selects: new Set(), calls: [] };
  const isMarked = (marks: ReadonlySet<number>, { id }: Expr) => marks.has(positions[id.toString()] ?? -1);

  /** Whether it yields an optional value. */
  const visit = (node: Expr | undefined): boolean => {
    if (!node) return false;
    const { exprKind } = node;
    switch (exprKind.case) {
      case 'selectExpr': {
        const { operand, field, testOnly } = exprKind.value;
        if (!operand) return false;
        const isOptional = isMarked(optional.selects, node);
        const name = isOptional ? field.slice(1) : field;
        if (operand.exprKind.case === 'identExpr') used.selects.add(`${operand.exprKind.value.name}.${name}`);
        if (!visit(operand) && !isOptional) return false;
        const selected = testOnly ? create(ExprSchema, { id: node.id }) : node;
        setCall(selected, optionalSelect, [operand, constantOf(name, node.id)]);
        if (testOnly) setCall(node, 'hasValue', [], selected);
        return !testOnly;
      }
      case 'callExpr':
        return visitCall(node, exprKind.value);
      case 'listExpr':
        if (optional.hasElements) refuse('an optional element');
        for (const element of exprKind.value.elements) visit(element);
        return false;
      case 'structExpr':
        if (optional.hasElements) refuse('an optional entry');
        for (const { keyKind, value } of exprKind.value.entries) {
          if (keyKind.case === 'mapKey') visit(keyKind.value);
          visit(value);
        }
        return false;
      case 'comprehensionExpr': {
        const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
        for (const part of [iterRange, accuInit, loopCondition, loopStep, result]) visit(part);
        return false;
      }
      default:
        return false;
    }
  };

  const visitCall = (node: Expr, call: Expr_Call): boolean => {
    if (expandsMacro(call)) refuse(`"${call.function}" with these arguments`);
    const target = call.target && visit(call.target);
    const [first, ...others] = call.args.map(visit);
    if (call.function === '_[_]') {
      const isOptional = isMarked(optional.brackets, node);
      const [container, key] = call.args;
      if ((!isOptional && !first) || !container || !key) return false;
      setCall(node, optionalSelect, [container, key]);
      return true;
    }
    used.calls.push(namesOf(call));
    if (call.function === '_?_:_') return others.some(Boolean);
    return (call.function === 'or' && target === true) || isOptionalMaker(call);
  };

  visit(expr);
  return used;
}

function refuse(what: string): never {
  throw new Error(`${what} cannot be evaluated here`);
}

function isOptionalMaker({ target, function: name }: Expr_Call): boolean {
  const isOptional = target?.exprKind.case === 'identExpr' && target.exprKind.value.name === 'optional';
  return isOptional && ['of', 'none', 'ofNonZeroValue'].includes(name);
}

function namesOf({ target, function: name }: Expr_Call): string[] {
  return target?.exprKind.case === 'identExpr' ? [`${target.exprKind.value.name}.${name}`, name] : [name];
}

function setCall(node: Expr, name: string, args: Expr[], target?: Expr): void {
  // Arguments are taken as they are now: the node itself may become one.
  const value = create(Expr_CallSchema, { function: name, args, ...(target && { target }) });
  node.exprKind = { case: 'callExpr', value };
}

function constantOf(text: string, id: bigint): Expr {
  const value = create(ConstantSchema, { constantKind: { case: 'stringValue', value: text } });
  return create(ExprSchema, { id, exprKind: { case: 'constExpr', value } });
}

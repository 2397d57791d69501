/**
 * Finds the type of an expression, and what is wrong with it (CEL language definition, "Gradual Type Checking"), in
 * the words of cel-go, which kube-apiserver shows.
 */
import type {
  Expr,
  Expr_Call,
  Expr_Comprehension,
  Expr_CreateList,
  Expr_CreateStruct,
  Expr_Select,
} from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { durationMs } from '../api/validate/go-duration.ts';
import type { Environment } from './environment.ts';
import { expandsMacro, type Macro } from './macros.ts';
import type { Issue, Parsed } from './syntax.ts';
import * as t from './types.ts';
import { isAssignable, renamed, type Substitution, substitute } from './unify.ts';

type Scope = ReadonlyMap<string, t.CelType>;

export interface Checked {
  type: t.CelType;
  issues: Issue[];
}

export function check(environment: Environment, parsed: Parsed): Checked {
  const checker = new Checker(environment, parsed);
  const type = checker.check(parsed.expr, new Map());
  return { type: substitute(type, checker.known, 'dyn'), issues: checker.issues };
}

/** Where something is wrong already, nothing more is said. */
const error: t.CelType = { kind: 'simple', name: 'error' };

class Checker {
  readonly known: Substitution = new Map();
  readonly issues: Issue[] = [];
  readonly #environment: Environment;
  readonly #parsed: Parsed;
  #fresh = 0;

  constructor(environment: Environment, parsed: Parsed) {
    this.#environment = environment;
    this.#parsed = parsed;
  }

  check(expr: Expr, scope: Scope): t.CelType {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return constantType(exprKind.value.constantKind.case);
      case 'identExpr':
        return this.#variable(exprKind.value.name, scope) ?? this.#undeclared(expr, exprKind.value.name);
      case 'selectExpr':
        return this.#select(expr, exprKind.value, scope);
      case 'callExpr':
        return this.#call(expr, exprKind.value, scope);
      case 'listExpr':
        return this.#list(expr, exprKind.value, scope);
      case 'structExpr':
        return this.#struct(expr, exprKind.value, scope);
      case 'comprehensionExpr':
        return this.#comprehension(exprKind.value, scope);
      default:
        return this.#report(expr, 'unexpected expression');
    }
  }

  #report(expr: Expr, message: string, offset = this.#offsetOf(expr)): t.CelType {
    this.issues.push({ offset, message });
    return error;
  }

  #undeclared(expr: Expr, name: string): t.CelType {
    return this.#report(expr, `undeclared reference to '${name}' (in container '')`);
  }

  /** cel-go shows a call at its bracket, and an object that is made at its brace. */
  #offsetOf(expr: Expr): number {
    const { source, positions } = this.#parsed;
    const at = positions[expr.id.toString()] ?? 0;
    const { exprKind } = expr;
    const isPlainCall = exprKind.case === 'callExpr' && /^[\w.]+$/.test(exprKind.value.function);
    const isObject = exprKind.case === 'structExpr' && exprKind.value.messageName !== '';
    // The parser counts the blanks before an operator to it.
    if (exprKind.case === 'callExpr' && !isPlainCall) {
      return at + (source.slice(at).length - source.slice(at).trimStart().length);
    }
    if (!isPlainCall && !isObject) return at;
    const found = source.indexOf(isObject ? '{' : '(', at);
    return found < 0 ? at : found;
  }

  #param(): t.CelType {
    return { kind: 'param', name: `_${this.#fresh++}` };
  }

  #settled(type: t.CelType): t.CelType {
    return substitute(type, this.known, 'keep');
  }

  #variable(name: string, scope: Scope): t.CelType | undefined {
    const plain = name.replace(/^\./, '');
    const local = plain === name ? scope.get(name) : undefined;
    const type = local ?? this.#environment.variables.get(plain);
    if (type) return type;
    return typeNames.has(plain) ? { kind: 'type', of: t.parseType(plain) } : undefined;
  }

  #select(expr: Expr, { operand, field, testOnly }: Expr_Select, scope: Scope): t.CelType {
    if (!operand) return error;
    const at = this.#parsed.positions[expr.id.toString()] ?? -1;
    const isOptional = this.#parsed.optional.selects.has(at);
    const name = isOptional ? field.slice(1) : field;
    const path = isOptional ? undefined : pathOf(expr);
    if (path && !scope.has(path.split('.')[0] ?? '')) {
      const variable = this.#variable(path, scope);
      if (variable) return variable;
    }
    const type = this.#settled(this.check(operand, scope));
    const target = type.kind === 'optional' ? type.of : type;
    const result = this.#field(expr, target, name);
    if (testOnly) return t.bool;
    const wraps = isOptional || type.kind === 'optional';
    return wraps && result.kind !== 'optional' ? t.optionalOf(result) : result;
  }

  #field(expr: Expr, target: t.CelType, field: string): t.CelType {
    if (target === error || t.isDyn(target) || target.kind === 'param') return t.dyn;
    if (target.kind === 'map') return target.value;
    if (target.kind === 'object') {
      const made = this.#environment.constructed?.(target.name);
      const type = this.#environment.objects.get(target.name)?.get(field) ?? made?.fieldOf(field);
      return type ?? this.#report(expr, `undefined field '${field}'`);
    }
    return this.#report(expr, `type '${t.typeText(target)}' does not support field selection`);
  }

  #call(expr: Expr, call: Expr_Call, scope: Scope): t.CelType {
    const macro = expandsMacro(call);
    if (macro) return this.#macro(expr, macro, scope);
    const { target, args } = call;
    const isOptionalIndex =
      call.function === '_[_]' &&
      this.#parsed.optional.brackets.has(this.#parsed.positions[expr.id.toString()] ?? -1);
    const name = isOptionalIndex ? '_[?_]' : call.function;
    if (!target)
      return this.#resolve(
        expr,
        name,
        false,
        args.map((one) => this.check(one, scope)),
      );
    // `sets.contains(…)` is a function whose name has a point.
    const path = pathOf(target);
    const qualified = path && `${path}.${name}`;
    if (qualified && this.#environment.functions.has(qualified) && !scope.has(path.split('.')[0] ?? '')) {
      return this.#resolve(
        expr,
        qualified,
        false,
        args.map((one) => this.check(one, scope)),
      );
    }
    return this.#resolve(
      expr,
      name,
      true,
      [target, ...args].map((one) => this.check(one, scope)),
    );
  }

  #resolve(expr: Expr, name: string, isMember: boolean, given: t.CelType[]): t.CelType {
    const overloads = this.#environment.functions.get(name);
    if (!overloads) return this.#undeclared(expr, name);
    this.#checkLiteral(expr, name);
    if (given.includes(error)) return error;
    let result: t.CelType | undefined;
    const suffix = `_${this.#fresh++}`;
    for (const overload of overloads) {
      if (overload.isMember !== isMember || overload.parameters.length !== given.length) continue;
      const trial = new Map(this.known);
      const fits = overload.parameters.every((parameter, index) =>
        isAssignable(renamed(parameter, suffix), given[index] as t.CelType, trial),
      );
      if (!fits) continue;
      const type = substitute(renamed(overload.result, suffix), trial, 'keep');
      if (result === undefined) {
        result = type;
        for (const [key, value] of trial) this.known.set(key, value);
      } else if (t.typeText(result) !== t.typeText(type)) result = t.dyn;
    }
    if (result) return result;
    const texts = given.map((type) => t.typeText(substitute(type, this.known, 'dyn')));
    const shown = isMember ? `${texts[0]}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`;
    return this.#report(expr, `found no matching overload for '${name}' applied to '${shown}'`);
  }

  /** Times are read when they are used; those that are written down can be read now. */
  #checkLiteral({ exprKind }: Expr, name: string): void {
    const isOfForm = literalForms[name];
    const argument = exprKind.case === 'callExpr' ? exprKind.value.args[0] : undefined;
    if (!isOfForm || argument?.exprKind.case !== 'constExpr') return;
    const { constantKind } = argument.exprKind.value;
    if (constantKind.case === 'stringValue' && !isOfForm(constantKind.value)) {
      this.#report(argument, `invalid ${name} argument`);
    }
  }

  #list(_expr: Expr, { elements }: Expr_CreateList, scope: Scope): t.CelType {
    const element = this.#param();
    for (const one of elements) this.#join(one, element, this.#element(this.check(one, scope)));
    return t.listOf(this.#settled(element));
  }

  /** `[?element]` and `{?key: value}` take an optional value, and hold what is in it. */
  #element(type: t.CelType): t.CelType {
    const settled = this.#settled(type);
    return settled.kind === 'optional' && this.#parsed.optional.hasElements ? settled.of : settled;
  }

  /** All elements of a literal are of one type. */
  #join(at: Expr, common: t.CelType, type: t.CelType): void {
    if (type === error || isAssignable(common, type, this.known)) return;
    const wanted = t.typeText(substitute(common, this.known, 'dyn'));
    const actual = t.typeText(substitute(type, this.known, 'dyn'));
    this.#report(at, `expected type '${wanted}' but found '${actual}'`);
  }

  #struct(expr: Expr, { messageName, entries }: Expr_CreateStruct, scope: Scope): t.CelType {
    if (messageName !== '') return this.#object(expr, messageName, entries, scope);
    const key = this.#param();
    const value = this.#param();
    for (const { keyKind, value: entry } of entries) {
      if (keyKind.case === 'mapKey') this.#join(keyKind.value, key, this.check(keyKind.value, scope));
      if (!entry) continue;
      this.#join(entry, value, this.#element(this.check(entry, scope)));
    }
    return t.mapOf(this.#settled(key), this.#settled(value));
  }

  #object(expr: Expr, name: string, entries: Expr_CreateStruct['entries'], scope: Scope): t.CelType {
    const made = this.#environment.constructed?.(name);
    if (!made) {
      for (const { value } of entries) if (value) this.check(value, scope);
      return this.#undeclared(expr, name);
    }
    for (const { keyKind, value } of entries) {
      if (keyKind.case !== 'fieldKey' || !value) continue;
      const actual = this.#settled(this.check(value, scope));
      const wanted = made.fieldOf(keyKind.value);
      if (!wanted) this.#report(value, `undefined field '${keyKind.value}'`);
      else if (
        actual !== error &&
        !isAssignable(wanted, actual.kind === 'optional' ? actual.of : actual, this.known)
      ) {
        const text = `expected type of field '${keyKind.value}' is '${t.typeText(wanted)}' but provided type is '${t.typeText(actual)}'`;
        this.#report(value, text);
      }
    }
    return made.type;
  }

  /** What is looked through: list elements, or a map's keys, and its values beside them where two are named. */
  #range(expr: Expr, scope: Scope): { first: t.CelType; second: t.CelType; type: t.CelType } {
    const type = this.#settled(this.check(expr, scope));
    if (type.kind === 'list') return { first: type.element, second: t.int, type };
    if (type.kind === 'map') return { first: type.key, second: type.value, type };
    if (type !== error && !t.isDyn(type) && type.kind !== 'param') {
      const text = t.typeText(type);
      this.#report(
        expr,
        `expression of type '${text}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    }
    return { first: t.dyn, second: t.dyn, type };
  }

  #comprehension(comprehension: Expr_Comprehension, scope: Scope): t.CelType {
    const { iterRange, iterVar, accuVar, accuInit, loopStep, loopCondition, result } = comprehension;
    if (!iterRange || !accuInit || !loopStep || !loopCondition || !result) return error;
    const { first } = this.#range(iterRange, scope);
    const accumulated = this.check(accuInit, scope);
    const inner = new Map([...scope, [iterVar, first], [accuVar, accumulated]] as const);
    const condition = this.check(loopCondition, inner);
    this.#join(loopCondition, t.bool, condition);
    const step = this.check(loopStep, inner);
    this.#join(loopStep, accumulated, step);
    return this.#settled(this.check(result, new Map([...scope, [accuVar, accumulated]] as const)));
  }

  #macro(expr: Expr, macro: Macro, scope: Scope): t.CelType {
    if (macro.kind === 'bind') {
      const value = this.check(macro.value, scope);
      return this.check(macro.body, new Map([...scope, [macro.variable, value]] as const));
    }
    if (macro.kind === 'optional') {
      const target = this.#settled(this.check(macro.target, scope));
      if (target !== error && !t.isDyn(target) && target.kind !== 'optional') {
        return this.#report(
          expr,
          `found no matching overload for '${macro.name}' applied to '${t.typeText(target)}'`,
        );
      }
      const of = target.kind === 'optional' ? target.of : t.dyn;
      const body = this.#settled(this.check(macro.body, new Map([...scope, [macro.variable, of]] as const)));
      return macro.name === 'optMap' || body.kind !== 'optional' ? t.optionalOf(body) : body;
    }
    const { first, second, type } = this.#range(macro.target, scope);
    // Two variables are a list's index and element, or a map's key and value.
    const pair = type.kind === 'list' ? [t.int, first] : [first, second];
    const types = macro.variables.length === 2 ? pair : [first];
    const inner = new Map(scope);
    for (const [index, name] of macro.variables.entries()) inner.set(name, types[index] ?? t.dyn);
    const bodies = macro.bodies.map((body) => this.#settled(this.check(body, inner)));
    for (const [index, body] of macro.bodies.entries()) {
      const isTest = macro.yields === 'bool' || index < macro.bodies.length - 1;
      if (isTest) this.#join(body, t.bool, bodies[index] ?? error);
    }
    const last = bodies.at(-1) ?? t.dyn;
    switch (macro.yields) {
      case 'bool':
        return t.bool;
      case 'same':
        return type;
      case 'list':
        return t.listOf(last);
      case 'map':
        return t.mapOf(pair[0] ?? t.dyn, last);
      case 'entries':
        return last;
    }
  }
}

const literalForms: Readonly<Record<string, ((text: string) => boolean) | undefined>> = {
  duration: (text) => !Number.isNaN(durationMs(text)),
  timestamp: (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)$/.test(text),
};

const typeNames = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'null_type', 'dyn']);

function constantType(kind: string | undefined): t.CelType {
  switch (kind) {
    case 'boolValue':
      return t.bool;
    case 'int64Value':
      return t.int;
    case 'uint64Value':
      return t.uint;
    case 'doubleValue':
      return t.double;
    case 'stringValue':
      return t.string;
    case 'bytesValue':
      return t.bytes;
    default:
      return t.nullType;
  }
}

/** `a.b.c` of names with points between them; undefined for anything else. */
function pathOf({ exprKind }: Expr): string | undefined {
  if (exprKind.case === 'identExpr') return exprKind.value.name;
  if (exprKind.case !== 'selectExpr' || exprKind.value.testOnly || !exprKind.value.operand) return undefined;
  const before = pathOf(exprKind.value.operand);
  return before && `${before}.${exprKind.value.field}`;
}

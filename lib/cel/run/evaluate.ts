/** Runs a checked expression. What the package knows of operators and functions it does; the rest is here and in `library/`. */
import type {
  Expr,
  Expr_Call,
  Expr_Comprehension,
  Expr_CreateStruct,
  Expr_Select,
  Constant,
} from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { celUint } from '@bufbuild/cel';
import { expandsMacro, type Macro } from '../macros.ts';
import type { Parsed } from '../syntax.ts';
import { callCost, CostExceeded, costs, type Meter } from './cost.ts';
import { delegate } from './delegate.ts';
import { implementations } from './library/index.ts';
import { sortBy } from './library/lists.ts';
import {
  CelError,
  type CelMap,
  type CelValue,
  isList,
  isMap,
  keyText,
  mapKey,
  ObjectValue,
  Opaque,
  Optional,
  TypeValue,
  typeNameOf,
} from './values.ts';

/** The values of what an expression may name, by full name; undefined for what there is not. */
export type Activation = (name: string) => CelValue | undefined;

/** Thrown where something has to be waited for; the expression is run again when it is known. */
export class Pending extends Error {
  override readonly name = 'Pending';
  readonly promise: Promise<unknown>;
  constructor(promise: Promise<unknown>) {
    super('an answer is not known yet');
    this.promise = promise;
  }
}

interface Scope {
  name: string;
  value: CelValue;
  /** Instead of the value: why there is none. */
  failure?: CelError;
  outer: Scope | undefined;
}

export function evaluate(parsed: Parsed, activation: Activation, meter: Meter): CelValue {
  return new Evaluation(parsed, activation, meter).run(parsed.expr, undefined);
}

const noOverload = () => new CelError('no such overload');

class Evaluation {
  readonly #parsed: Parsed;
  readonly #activation: Activation;
  readonly #meter: Meter;

  constructor(parsed: Parsed, activation: Activation, meter: Meter) {
    this.#parsed = parsed;
    this.#activation = activation;
    this.#meter = meter;
  }

  run(expr: Expr, scope: Scope | undefined): CelValue {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return constant(exprKind.value);
      case 'identExpr':
        return this.#name(exprKind.value.name, scope);
      case 'selectExpr':
        return this.#select(expr, exprKind.value, scope);
      case 'callExpr':
        return this.#call(expr, exprKind.value, scope);
      case 'listExpr': {
        this.#meter.charge(costs.list);
        return exprKind.value.elements.flatMap((element) => {
          const value = this.#element(this.run(element, scope));
          return value === undefined ? [] : [value];
        });
      }
      case 'structExpr':
        return this.#struct(exprKind.value, scope);
      case 'comprehensionExpr':
        return this.#comprehension(exprKind.value, scope);
      default:
        throw new CelError('unexpected expression');
    }
  }

  #name(name: string, scope: Scope | undefined): CelValue {
    const value = this.#find(name, scope);
    if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
    return value;
  }

  #find(name: string, scope: Scope | undefined): CelValue | undefined {
    for (let at = scope; at; at = at.outer) {
      if (at.name !== name) continue;
      if (at.failure !== undefined) throw at.failure;
      return at.value;
    }
    const plain = name.replace(/^\./, '');
    const value = this.#activation(plain);
    if (value !== undefined) {
      this.#meter.charge(costs.select);
      return value;
    }
    return typeNames.has(plain) ? new TypeValue(plain) : undefined;
  }

  #select(expr: Expr, select: Expr_Select, scope: Scope | undefined): CelValue {
    const { operand, field, testOnly } = select;
    if (!operand) throw new CelError('unexpected expression');
    const isOptional = this.#parsed.optional.selects.has(this.#parsed.positions[expr.id.toString()] ?? -1);
    if (!isOptional && !testOnly) {
      const path = pathOf(expr);
      if (path && !isBound(path, scope)) {
        const variable = this.#activation(path);
        if (variable !== undefined) return variable;
      }
    }
    const name = isOptional ? field.slice(1) : field;
    const value = this.run(operand, scope);
    this.#meter.charge(costs.select);
    const target = value instanceof Optional ? value.value : value;
    if (target === undefined) return testOnly ? false : Optional.none;
    const found = member(target, name);
    if (testOnly) return found !== undefined;
    if (isOptional || value instanceof Optional) return optionalOf(found);
    if (found === undefined) throw new CelError(`no such key: ${name}`);
    return found;
  }

  #call(expr: Expr, call: Expr_Call, scope: Scope | undefined): CelValue {
    const { function: name, target, args } = call;
    switch (name) {
      case '_&&_':
      case '_||_':
        return this.#logic(name === '_||_', args, scope);
      case '_?_:_': {
        const [condition, yes, no] = args as [Expr, Expr, Expr];
        const chosen = this.run(condition, scope);
        if (typeof chosen !== 'boolean') throw noOverload();
        return this.run(chosen ? yes : no, scope);
      }
      case '@not_strictly_false':
        try {
          return this.run(args[0] as Expr, scope) !== false;
        } catch (error) {
          survivable(error);
          return true;
        }
    }
    const macro = expandsMacro(call);
    if (macro) return this.#macro(macro, scope);
    if (name === '_[_]') return this.#index(expr, args, scope);
    const path = target && pathOf(target);
    const qualified = path && `${path}.${name}`;
    if (qualified && implementations.has(qualified) && !isBound(path, scope)) {
      return this.#apply(qualified, false, this.#all(args, scope));
    }
    if (qualified === 'strings.quote' && !isBound(path, scope)) {
      return this.#apply(qualified, false, this.#all(args, scope));
    }
    return target
      ? this.#member(name, this.run(target, scope), args, scope)
      : this.#apply(name, false, this.#all(args, scope));
  }

  #all(args: readonly Expr[], scope: Scope | undefined): CelValue[] {
    return args.map((one) => this.run(one, scope));
  }

  #member(name: string, target: CelValue, args: readonly Expr[], scope: Scope | undefined): CelValue {
    // The alternative of an optional value is looked at only where there is need of it.
    if (target instanceof Optional && (name === 'or' || name === 'orValue')) {
      if (target.value !== undefined) return name === 'or' ? target : target.value;
      return this.run(args[0] as Expr, scope);
    }
    return this.#apply(name, true, [target, ...this.#all(args, scope)]);
  }

  #apply(name: string, isMember: boolean, values: readonly CelValue[]): CelValue {
    this.#meter.charge(callCost(name, values));
    for (const implementation of implementations.get(name) ?? []) {
      const result = implementation(values, isMember);
      if (result !== undefined) return result;
    }
    if (values.some((value) => value instanceof Opaque || value instanceof Optional)) throw noOverload();
    return delegate(name, isMember, values);
  }

  /** An operand that decides the matter makes errors of the other one of no account. */
  #logic(decides: boolean, args: readonly Expr[], scope: Scope | undefined): CelValue {
    let failure: CelError | undefined;
    for (const one of args) {
      try {
        const value = this.run(one, scope);
        if (value === decides) return decides;
        if (typeof value !== 'boolean') failure ??= noOverload();
      } catch (error) {
        failure ??= survivable(error);
      }
    }
    if (failure !== undefined) throw failure;
    return !decides;
  }

  #index(expr: Expr, [of, at]: readonly Expr[], scope: Scope | undefined): CelValue {
    const isOptional = this.#parsed.optional.brackets.has(this.#parsed.positions[expr.id.toString()] ?? -1);
    const value = this.run(of as Expr, scope);
    const key = mapKey(this.run(at as Expr, scope));
    this.#meter.charge(costs.select);
    const target = value instanceof Optional ? value.value : value;
    if (target === undefined) return Optional.none;
    const wraps = isOptional || value instanceof Optional;
    if (isList(target)) {
      if (typeof key !== 'bigint') throw new CelError(`unsupported index type '${typeNameOf(key)}' in list`);
      const found = key < 0n ? undefined : target[Number(key)];
      if (wraps) return optionalOf(found);
      if (found === undefined) throw new CelError(`index out of bounds: ${key}`);
      return found;
    }
    if (!isMap(target) && !(target instanceof Opaque)) throw noOverload();
    const found = isMap(target) ? target.get(key) : member(target, keyText(key));
    if (wraps) return optionalOf(found);
    if (found === undefined) throw new CelError(`no such key: ${keyText(key)}`);
    return found;
  }

  /** Optional elements of a literal: what is in them, or nothing at all. */
  #element(value: CelValue): CelValue | undefined {
    return value instanceof Optional && this.#parsed.optional.hasElements ? value.value : value;
  }

  #struct({ messageName, entries }: Expr_CreateStruct, scope: Scope | undefined): CelValue {
    this.#meter.charge(messageName === '' ? costs.map : costs.object);
    const map = new Map<CelValue, CelValue>();
    for (const { keyKind, value } of entries) {
      if (!value || keyKind.case === undefined) continue;
      const key = keyKind.case === 'mapKey' ? mapKey(this.run(keyKind.value, scope)) : keyKind.value;
      const made = this.run(value, scope);
      const held = messageName === '' || !(made instanceof Optional) ? this.#element(made) : made.value;
      if (held === undefined) continue;
      if (map.has(key)) throw new CelError(`map key conflict: ${keyText(key)}`);
      map.set(key, held);
    }
    return messageName === '' ? map : new ObjectValue(messageName, map as ReadonlyMap<string, CelValue>);
  }

  #comprehension(comprehension: Expr_Comprehension, scope: Scope | undefined): CelValue {
    const { iterRange, iterVar, accuVar, accuInit, loopStep, loopCondition, result } = comprehension;
    if (!iterRange || !accuInit || !loopStep || !loopCondition || !result) {
      throw new CelError('unexpected expression');
    }
    const range = this.#range(this.run(iterRange, scope));
    const accumulator: Scope = { name: accuVar, value: this.run(accuInit, scope), outer: scope };
    for (const value of isMap(range) ? range.keys() : range) {
      const inner: Scope = { name: iterVar, value, outer: accumulator };
      if (this.run(loopCondition, inner) !== true) break;
      try {
        accumulator.value = this.run(loopStep, inner);
        delete accumulator.failure;
      } catch (error) {
        // An error only where no later step decides the matter.
        accumulator.failure = survivable(error);
      }
    }
    return this.run(result, accumulator);
  }

  #range(value: CelValue): readonly CelValue[] | CelMap {
    if (isList(value) || isMap(value)) return value;
    throw new CelError('no such overload');
  }

  #macro(macro: Macro, scope: Scope | undefined): CelValue {
    const bind = (name: string, value: CelValue, outer = scope): Scope => ({ name, value, outer });
    if (macro.kind === 'bind') {
      return this.run(macro.body, bind(macro.variable, this.run(macro.value, scope)));
    }
    if (macro.kind === 'optional') {
      const target = this.run(macro.target, scope);
      if (!(target instanceof Optional)) throw noOverload();
      if (target.value === undefined) return Optional.none;
      const body = this.run(macro.body, bind(macro.variable, target.value));
      return macro.name === 'optMap' ? new Optional(body) : body;
    }
    const range = this.#range(this.run(macro.target, scope));
    const [first = '', second] = macro.variables;
    const scopes = [...range.entries()].map(([key, value]) => {
      if (second === undefined) return bind(first, isMap(range) ? key : value);
      return bind(second, value, bind(first, typeof key === 'number' ? BigInt(key) : key));
    });
    const [one, two] = macro.bodies as [Expr, Expr | undefined];
    switch (macro.yields) {
      case 'same': {
        if (!isList(range)) throw noOverload();
        return sortBy(
          range,
          scopes.map((inner) => this.run(one, inner)),
        );
      }
      case 'bool':
        return this.#quantify(macro, one, scopes);
      default: {
        const chosen = two ? scopes.filter((inner) => this.run(one, inner) === true) : scopes;
        return this.#transform(macro.yields, two ?? one, chosen, first);
      }
    }
  }

  #quantify({ quantifier }: Macro & { kind: 'each' }, body: Expr, scopes: readonly Scope[]): CelValue {
    let failure: CelError | undefined;
    let count = 0;
    for (const inner of scopes) {
      try {
        const value = this.run(body, inner);
        if (value === true) count++;
        if (quantifier === 'all' && value === false) return false;
        if (quantifier === 'exists' && value === true) return true;
      } catch (error) {
        const failed = survivable(error);
        if (quantifier === 'one') throw failed;
        failure ??= failed;
      }
    }
    if (failure !== undefined) throw failure;
    if (quantifier === 'one') return count === 1;
    return quantifier === 'all';
  }

  #transform(
    yields: 'list' | 'map' | 'entries',
    body: Expr,
    scopes: readonly Scope[],
    keyName: string,
  ): CelValue {
    if (yields === 'list') return scopes.map((inner) => this.run(body, inner));
    const map = new Map<CelValue, CelValue>();
    for (const inner of scopes) {
      const value = this.run(body, inner);
      const entries = yields === 'map' ? [[this.#name(keyName, inner), value] as const] : value;
      if (!isList(entries as CelValue) && !isMap(entries as CelValue)) throw noOverload();
      for (const [key, made] of entries as Iterable<readonly [CelValue, CelValue]>) {
        if (map.has(key)) throw new CelError(`insert failed: key ${keyText(key)} already exists`);
        map.set(key, made);
      }
    }
    return map;
  }
}

/** What `||` and macros may go on after. @throws what they may not */
function survivable(error: unknown): CelError {
  if (error instanceof CelError && !(error instanceof CostExceeded)) return error;
  throw error;
}

const typeNames = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  'optional_type',
]);

function optionalOf(value: CelValue | undefined): Optional {
  return value === undefined ? Optional.none : new Optional(value);
}

function member(target: CelValue, name: string): CelValue | undefined {
  if (isMap(target)) return target.get(name);
  if (target instanceof Opaque) return target.field(name);
  throw noOverload();
}

function constant({ constantKind }: Constant): CelValue {
  switch (constantKind.case) {
    case 'nullValue':
    case undefined:
      return null;
    case 'uint64Value':
      return celUint(constantKind.value);
    case 'boolValue':
    case 'int64Value':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return constantKind.value;
    default:
      throw new CelError('unexpected constant');
  }
}

function isBound(path: string | undefined, scope: Scope | undefined): boolean {
  const first = path?.split('.')[0];
  for (let at = scope; at; at = at.outer) if (at.name === first) return true;
  return false;
}

/** `a.b.c` of names with points between them; undefined for anything else. */
function pathOf({ exprKind }: Expr): string | undefined {
  if (exprKind.case === 'identExpr') return exprKind.value.name;
  if (exprKind.case !== 'selectExpr' || exprKind.value.testOnly || !exprKind.value.operand) return undefined;
  const before = pathOf(exprKind.value.operand);
  return before && `${before}.${exprKind.value.field}`;
}

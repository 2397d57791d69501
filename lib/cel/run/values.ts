/**
 * Values of expressions while they run: `int` is a bigint, `double` a number, lists are arrays, maps are Maps; `uint`,
 * times and durations are the package's own. What Kubernetes adds (addresses, quantities, decisions) are `Opaque`.
 */
import { celUint, isCelUint } from '@bufbuild/cel';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import type { JsonValue } from '../../api/object.ts';
import { delegate } from './delegate.ts';
import { CelError } from './error.ts';

export { CelError } from './error.ts';

export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | readonly CelValue[]
  | CelMap
  | Optional
  | Opaque
  | TypeValue
  | Foreign;

export type CelMap = ReadonlyMap<CelValue, CelValue>;

/** What the package makes and only it looks into: unsigned integers, times, durations. */
export type Foreign = ReturnType<typeof celUint> | { readonly desc: unknown; readonly message: unknown };

export class Optional {
  static readonly none = new Optional(undefined);
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

export class TypeValue {
  readonly typeName: string;
  constructor(typeName: string) {
    this.typeName = typeName;
  }
}

/** A value with an inside of its own; `fields` where expressions can select something from it. */
export abstract class Opaque {
  abstract readonly typeName: string;
  /** Whether two values of the same type are the same. */
  equals(other: Opaque): boolean {
    return this === other;
  }
  /** Undefined where there is no such field. */
  field(_name: string): CelValue | undefined {
    return undefined;
  }
}

export const isList = (value: CelValue): value is readonly CelValue[] => Array.isArray(value);
export const isMap = (value: CelValue): value is CelMap => value instanceof Map;

export function uintOf(value: CelValue): bigint | undefined {
  return isCelUint(value) ? value.value : undefined;
}

/** Whole numbers of documents are `int`, others `double`, as Go reads them. */
export function fromJson(value: JsonValue | undefined): CelValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(fromJson);
  const map = new Map<CelValue, CelValue>();
  for (const key of Object.keys(value)) if (value[key] !== undefined) map.set(key, fromJson(value[key]));
  return map;
}

/** @throws CelError for what no document can hold. */
export function toJson(value: CelValue): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  const unsigned = uintOf(value);
  if (unsigned !== undefined) return Number(unsigned);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isList(value)) return value.map(toJson);
  if (isMap(value)) {
    const entries: [string, JsonValue][] = [];
    for (const [key, member] of value) {
      if (typeof key !== 'string') throw new CelError(`unsupported map key type '${typeNameOf(key)}'`);
      entries.push([key, toJson(member)]);
    }
    return Object.fromEntries(entries);
  }
  if (value instanceof ObjectValue) {
    return Object.fromEntries([...value.members].map(([name, member]) => [name, toJson(member)]));
  }
  if (isReflectMessage(value)) return toJson(delegate('string', false, [value]));
  throw new CelError(`unsupported type conversion from '${typeNameOf(value)}' to JSON`);
}

/** What `Object{…}` and `JSONPatch{…}` make. */
export class ObjectValue extends Opaque {
  readonly typeName: string;
  readonly members: ReadonlyMap<string, CelValue>;
  constructor(typeName: string, members: ReadonlyMap<string, CelValue>) {
    super();
    this.typeName = typeName;
    this.members = members;
  }
  override equals(other: Opaque): boolean {
    return (
      other instanceof ObjectValue &&
      other.members.size === this.members.size &&
      [...this.members].every(([name, value]) => {
        const same = other.members.get(name);
        return same !== undefined && equals(value, same);
      })
    );
  }
  override field(name: string): CelValue | undefined {
    return this.members.get(name);
  }
}

export function typeNameOf(value: CelValue): string {
  if (value === null) return 'null_type';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    default:
      return objectTypeName(value);
  }
}

function objectTypeName(value: Exclude<CelValue, string | number | bigint | boolean | null>): string {
  if (value instanceof Uint8Array) return 'bytes';
  if (isList(value)) return 'list';
  if (isMap(value)) return 'map';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof Opaque) return value.typeName;
  if (isCelUint(value)) return 'uint';
  return isReflectMessage(value) ? value.desc.typeName : 'unknown';
}

/** For messages. */
export const keyText = (key: CelValue): string =>
  typeof key === 'object' && key !== null ? typeNameOf(key) : String(key);

/** Numbers of different types are equal when they are the same number; values of different types are not. */
export function equals(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  const [left, right] = [uintOf(a) ?? a, uintOf(b) ?? b];
  if (
    (typeof left === 'bigint' || typeof left === 'number') &&
    (typeof right === 'bigint' || typeof right === 'number')
  ) {
    return typeof left === typeof right ? left === right : Number(left) === Number(right);
  }
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((one, index) => equals(one, b[index] ?? null));
  }
  if (isMap(a)) {
    if (!isMap(b) || a.size !== b.size) return false;
    for (const [key, value] of a) {
      const same = b.get(key);
      if (same === undefined || !equals(value, same)) return false;
    }
    return true;
  }
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equals(a.value, b.value);
  }
  if (a instanceof TypeValue) return b instanceof TypeValue && a.typeName === b.typeName;
  if (a instanceof Opaque) return b instanceof Opaque && a.typeName === b.typeName && a.equals(b);
  if (isReflectMessage(a) && isReflectMessage(b)) return delegate('_==_', false, [a, b]) === true;
  return false;
}

/** Keys of maps: numbers that are whole are one key, whatever their type. */
export function mapKey(value: CelValue): CelValue {
  const unsigned = uintOf(value);
  if (unsigned !== undefined) return unsigned;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  return value;
}

class LazyFields extends Opaque {
  readonly typeName: string;
  readonly #make: (name: string) => CelValue | undefined;
  readonly #known = new Map<string, CelValue | CelError | undefined>();
  constructor(typeName: string, make: (name: string) => CelValue | undefined) {
    super();
    this.typeName = typeName;
    this.#make = make;
  }
  override field(name: string): CelValue | undefined {
    let value = this.#known.get(name);
    if (value === undefined) {
      try {
        value = this.#make(name);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        value = error;
      }
      this.#known.set(name, value);
    }
    if (value instanceof CelError) throw value;
    return value;
  }
}

/** A value whose fields are made when they are first selected; a field that fails stays failed. */
export function lazyFields(typeName: string, make: (name: string) => CelValue | undefined): CelValue {
  return new LazyFields(typeName, make);
}

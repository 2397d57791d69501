/**
 * Brings a JSON value into the shape of its kind, in one walk: what the API does when it reads JSON into its types.
 * Fields that the schema does not know are dropped and reported, nulls are dropped, and zeros that say no more than
 * nothing does, quantities, times and base64 are brought into canonical form, and fields that are always written out get
 * their zero values.
 */
import type { JsonObject, JsonValue } from '../object.ts';
import { formatQuantity, parseQuantity } from '../quantity/index.ts';
import type { Schema } from '../schema.ts';
import { quote } from '../validate/quote.ts';
import { normalizeBase64 } from './base64.ts';
import { normalizeMicroTime, normalizeTime } from './time.ts';
import { cannotRestore, kindOf, structName, typeName } from './type-name.ts';
import { fillAlways, zeroOf } from './zero.ts';

/** The value cannot be read into its type. The message is in the words of the API. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Far more than any kind needs; what is deeper could exhaust the stack of a later step. */
export const maxDepth = 1000;

/** More problems than these are not reported. */
export const maxProblems = 100;

export interface Conformed {
  object: JsonObject;
  /** Each once, in the order of the document: `unknown field "spec.foo"`. */
  problems: string[];
  /** How many members all objects have together, those dropped included. */
  members: number;
}

/**
 * What is told of a value of another type: as of JSON that is read, or as of an object without types that is made one with
 * types, which is what kube-apiserver does with the result of a strategic merge patch.
 */
export type TypeWording = 'json' | 'unstructured';

/** `value` is taken over: it may be changed and be part of the result. Throws DecodeError. */
export function conform(value: JsonValue, schema: Schema, wording: TypeWording = 'json'): Conformed {
  const walk: Walk = { problems: new Set(), members: 0, steps: [], fields: [], struct: '', wording };
  const object = value === null ? zeroOf(schema) : walkValue(value, schema, walk);
  return { object: object as JsonObject, problems: [...walk.problems], members: walk.members };
}

interface Walk {
  problems: Set<string>;
  members: number;
  /** Every step from the root, for `unknown field`. */
  steps: (string | number)[];
  /** Only fields of types, for type errors. */
  fields: string[];
  /** The type that holds the last field. */
  struct: string;
  wording: TypeWording;
}

function walkValue(value: Exclude<JsonValue, null>, schema: Schema, walk: Walk): JsonValue {
  if (walk.steps.length > maxDepth) throw new DecodeError('exceeded max depth');
  switch (schema.format) {
    case 'quantity':
      return quantity(value);
    case 'int-or-string':
      return intOrString(value);
    case 'date-time':
      return inItsForm(value, normalizeTime);
    case 'micro-time':
      return inItsForm(value, normalizeMicroTime);
    case 'byte':
      if (typeof value !== 'string') throw typeError(value, schema, walk);
      return inItsForm(value, normalizeBase64);
    default:
      break;
  }
  switch (schema.type) {
    case 'string':
    case 'boolean':
      // The schema's names of these two are those of typeof.
      if (typeof value !== schema.type) throw typeError(value, schema, walk);
      return value;
    case 'integer':
    case 'number':
      return number(value, schema, walk);
    case 'array':
      return list(value, schema, walk);
    case 'object':
      if (typeof value !== 'object' || Array.isArray(value)) throw typeError(value, schema, walk);
      if (schema.properties) return struct(value, schema, schema.properties, walk);
      if (schema.additionalProperties) return map(value, schema.additionalProperties, walk);
      return free(value, walk);
    default:
      return free(value, walk);
  }
}

function struct(
  object: JsonObject,
  schema: Schema,
  properties: Readonly<Record<string, Schema>>,
  walk: Walk,
): JsonObject {
  const outer = walk.struct;
  walk.struct = structName(schema);
  let dropped: Set<string> | undefined;
  for (const key of Object.keys(object)) {
    walk.members++;
    const property = properties[key];
    const value = object[key] as JsonValue;
    if (value === null || property === undefined) {
      dropped ??= new Set();
      dropped.add(key);
      if (property !== undefined) continue;
      report(walk, key);
      if (value !== null) walk.members += countMembers(value, walk.steps.length);
      continue;
    }
    walk.steps.push(key);
    walk.fields.push(key);
    const read = walkValue(value, property, walk);
    if (isZero(read) && schema.omitsZero?.includes(key)) {
      dropped ??= new Set();
      dropped.add(key);
    } else if (read !== value) object[key] = read;
    walk.fields.pop();
    walk.steps.pop();
  }
  walk.struct = outer;
  const kept = dropped ? without(object, dropped) : object;
  fillAlways(kept, schema);
  return kept;
}

function isZero(value: JsonValue): boolean {
  return value === '' || value === false || value === 0;
}

function without(object: JsonObject, dropped: ReadonlySet<string>): JsonObject {
  const kept: JsonObject = {};
  for (const key of Object.keys(object)) {
    if (!dropped.has(key)) kept[key] = object[key] as JsonValue;
  }
  return kept;
}

function map(object: JsonObject, values: Schema, walk: Walk): JsonObject {
  for (const key of Object.keys(object)) {
    walk.members++;
    const value = object[key] as JsonValue;
    walk.steps.push(key);
    const read = value === null ? zeroOf(values) : walkValue(value, values, walk);
    // An own `__proto__`, which JSON.parse makes, is an own property to this assignment too.
    if (read !== value) object[key] = read;
    walk.steps.pop();
  }
  return object;
}

function list(value: Exclude<JsonValue, null>, schema: Schema, walk: Walk): JsonValue {
  if (!Array.isArray(value)) throw typeError(value, schema, walk);
  const items = schema.items ?? {};
  for (let index = 0; index < value.length; index++) {
    const item = value[index] as JsonValue;
    walk.steps.push(index);
    value[index] = item === null ? zeroOf(items) : walkValue(item, items, walk);
    walk.steps.pop();
  }
  return value;
}

function free(value: Exclude<JsonValue, null>, walk: Walk): JsonValue {
  walk.members += countMembers(value, walk.steps.length);
  return value;
}

function countMembers(value: JsonValue, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > maxDepth) throw new DecodeError('exceeded max depth');
  const isList = Array.isArray(value);
  let members = 0;
  for (const inner of isList ? value : Object.values(value)) members += countMembers(inner, depth + 1);
  return isList ? members : members + Object.keys(value).length;
}

function number(value: JsonValue, schema: Schema, walk: Walk): number {
  if (typeof value !== 'number') throw typeError(value, schema, walk);
  if (schema.type === 'number') return value;
  const limit = schema.format === 'int32' ? 2 ** 31 : 2 ** 53;
  if (!Number.isInteger(value) || value < -limit || value >= limit) {
    throw typeError(value, schema, walk, `number ${value}`);
  }
  return value;
}

function intOrString(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') {
    throw new DecodeError(`json: cannot unmarshal ${kindOf(value)} into Go value of type string`);
  }
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
    throw new DecodeError(`json: cannot unmarshal number ${value} into Go value of type int32`);
  }
  return value;
}

const canonicalQuantities = new Map<string, string>();

function quantity(value: JsonValue): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);
  const known = canonicalQuantities.get(text);
  if (known !== undefined) return known;
  const canonical = inItsForm(text, (input) => formatQuantity(parseQuantity(input)));
  // The same few quantities come again and again; a client that sends many different ones must not fill the memory.
  if (canonicalQuantities.size >= 1000) canonicalQuantities.clear();
  if (text.length < 32) canonicalQuantities.set(text, canonical);
  return canonical;
}

function inItsForm(value: JsonValue, normalize: (text: string) => string): string {
  if (typeof value !== 'string') {
    throw new DecodeError(`json: cannot unmarshal ${kindOf(value)} into Go value of type string`);
  }
  try {
    return normalize(value);
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function typeError(value: JsonValue, schema: Schema, walk: Walk, found = kindOf(value)): DecodeError {
  if (walk.wording === 'unstructured') return new DecodeError(cannotRestore(value, schema));
  const at = walk.fields.length === 0 ? 'value' : `struct field ${walk.struct}.${walk.fields.join('.')}`;
  return new DecodeError(`json: cannot unmarshal ${found} into Go ${at} of type ${typeName(schema)}`);
}

function report(walk: Walk, key: string): void {
  if (walk.problems.size < maxProblems)
    walk.problems.add(`unknown field ${quote(pathText(walk.steps, key))}`);
}

/** `spec.containers[0].name` */
export function pathText(steps: readonly (string | number)[], last: string): string {
  let text = '';
  for (const step of [...steps, last]) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

import type { JsonObject, JsonValue } from '../object.ts';
import { getKey, isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { quote } from '../validate/quote.ts';
import type { FieldSet } from './field-set.ts';

export function fieldElement(name: string): string {
  return `f:${name}`;
}

/**
 * The element of an item of a list of type `map` (its keys, with their defaults) or `set` (its value).
 * @throws Error when the item can have none.
 */
export function itemElement(item: JsonValue, list: Schema): string {
  if (list.listType === 'map') return `k:{${keysOf(item, list)}}`;
  if (item === null) throw new Error("associative list without keys has an element that's an explicit null");
  if (typeof item === 'object') {
    throw new Error(
      Array.isArray(item)
        ? 'not supported: associative list with lists as elements'
        : "associative list without keys has an element that's a map type",
    );
  }
  return `v:${JSON.stringify(item)}`;
}

/** Undefined for an item that can have none, which validation refuses. */
export function itemElementOrNone(item: JsonValue, list: Schema): string | undefined {
  try {
    return itemElement(item, list);
  } catch {
    return undefined;
  }
}

/** The keys of a list in order, and how each begins in JSON. */
const orderedKeys = new WeakMap<readonly string[], readonly { name: string; head: string }[]>();

function keysOf(item: JsonValue, list: Schema): string {
  if (item === null) throw new Error('associative list with keys may not have a null element');
  if (!isJsonObject(item)) throw new Error('associative list with keys may not have non-map elements');
  const names = list.listMapKeys ?? noKeys;
  let ordered = orderedKeys.get(names);
  if (!ordered) {
    ordered = names.toSorted().map((name) => ({ name, head: `${JSON.stringify(name)}:` }));
    orderedKeys.set(names, ordered);
  }
  let keys = '';
  for (const { name, head } of ordered) {
    const value = getKey(item, name) ?? (list.items?.properties?.[name]?.default as JsonValue | undefined);
    if (value === undefined) continue;
    keys += `${keys && ','}${head}${JSON.stringify(value)}`;
  }
  if (!keys) {
    throw new Error(
      `associative list with keys has an element that omits all key fields ${JSON.stringify(names)} (and doesn't have default values for any key fields)`,
    );
  }
  return keys;
}

const noKeys: readonly string[] = [];

/** A path as messages show it: `.spec.containers[name="web"].image`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${text}`;
    case 'v:':
      return `[=${formatValue(JSON.parse(text) as JsonValue)}]`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(text) as JsonObject);
      return `[${keys.map(([name, value]) => `${name}=${formatValue(value)}`).join(',')}]`;
    }
    default:
      return `[${text}]`;
  }
}

function formatValue(value: JsonValue): string {
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}

/**
 * Reads a `fieldsV1` that a client wrote: keys and values in their one spelling, elements of a kind that is not known
 * left out.
 * @throws Error when it is no field set.
 */
export function readFieldSet(fields: JsonValue | undefined): FieldSet {
  if (fields === undefined || fields === null) return {};
  if (!isJsonObject(fields)) throw new Error('expected an object');
  const set: Record<string, FieldSet> = {};
  for (const [element, below] of Object.entries(fields)) {
    const known = element === '.' ? element : readElement(element);
    if (known !== undefined) set[known] = readFieldSet(below);
  }
  return set;
}

function readElement(element: string): string | undefined {
  if (element.length < 2) throw new Error('key must be 2 characters long:');
  if (element.charAt(1) !== ':') throw new Error(`missing colon: ${element}`);
  const text = element.slice(2);
  switch (element.charAt(0)) {
    case 'f':
      return element;
    case 'v':
      return `v:${JSON.stringify(JSON.parse(text))}`;
    case 'k': {
      const keys = JSON.parse(text) as JsonValue;
      if (!isJsonObject(keys)) throw new Error(`not an object of keys: ${element}`);
      const sorted = Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1));
      return `k:${JSON.stringify(Object.fromEntries(sorted))}`;
    }
    case 'i':
      if (!/^-?[0-9]+$/.test(text)) throw new Error(`not an index: ${element}`);
      return element;
    default:
      return undefined;
  }
}

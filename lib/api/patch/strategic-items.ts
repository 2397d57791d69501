import type { JsonObject, JsonValue } from '../object.ts';
import { getKey, goFormat, isJsonObject, type JsonKind, kindOf, setKey } from './json.ts';
import { badPatch, directive } from './strategic-words.ts';

/** The one kind that all items of both lists are of. */
export function itemKind(...lists: JsonValue[][]): JsonKind | undefined {
  let kind: JsonKind | undefined;
  for (const item of lists.flat()) {
    const found = kindOf(item);
    if (kind === undefined && found === 'array') throw badPatch('lists of lists are not supported');
    if (kind !== undefined && found !== kind) {
      throw badPatch(`list element types are not identical: ${goFormat(lists)}`);
    }
    kind = found;
  }
  return kind;
}

/** An item's place in a list by merge key, or by itself where it is a plain value. */
export function identityOf(item: JsonValue, mergeKey: string | undefined): JsonValue {
  if (mergeKey === undefined) return item;
  if (!isJsonObject(item))
    throw badPatch(`expected a map[string]interface {}, but received a ${goType(item)}`);
  const key = getKey(item, mergeKey);
  if (key === undefined) throw noMergeKey(item, mergeKey);
  return key;
}

export function noMergeKey(item: JsonObject, mergeKey: string) {
  return badPatch(`map: ${goFormat(item)} does not contain declared merge key: ${mergeKey}`);
}

export function goType(value: JsonValue): string {
  switch (kindOf(value)) {
    case 'null':
      return '%!s(<nil>)';
    case 'array':
      return '[]interface {}';
    case 'object':
      return 'map[string]interface {}';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
  }
}

/** A value of a patch that has nothing to be merged with: without nulls, and without what carries a directive. */
export function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, directive)) return undefined;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key] ?? null;
    const kept = member === null ? undefined : withoutDirectives(member);
    if (kept !== undefined) setKey(result, key, kept);
  }
  return result;
}

import type { JsonObject, JsonValue } from '../object.ts';
import type { Schema } from '../schema.ts';
import { getKey, goFormat } from './json.ts';
import { itemKind, noMergeKey } from './strategic-items.ts';
import { arrange } from './strategic-order.ts';
import { badPatch, directive } from './strategic-words.ts';

/** How two items with the same merge key become one. */
export type MergeItems = (current: JsonObject, patch: JsonObject, schema: Schema | undefined) => JsonObject;

/** Merges the list of a patch into that of a document, or takes its values out of it when `deletes` is set. */
export function mergeLists(
  current: JsonValue[],
  patch: JsonValue[],
  schema: Schema | undefined,
  deletes: boolean,
  mergeItems: MergeItems,
): JsonValue[] {
  if (current.length === 0 && patch.length === 0) return current;
  if (itemKind(current, patch) !== 'object') {
    if (deletes) {
      const gone = new Set(patch);
      return current.filter((item) => !gone.has(item));
    }
    return arrange([...new Set([...current, ...patch])], patch, current, undefined);
  }
  const mergeKey = schema?.patchMergeKey;
  if (!mergeKey) throw badPatch('cannot merge lists without merge key for struct');
  const { base, items } = applyItemDirectives(current as JsonObject[], patch as JsonObject[], mergeKey);
  const merged = [...base];
  const places = new Map(
    base.map((item, index) => [getKey(item, mergeKey), index]).reverse() as [JsonValue, number][],
  );
  for (const item of items) {
    const key = getKey(item, mergeKey);
    if (key === undefined) throw noMergeKey(item, mergeKey);
    const place = places.get(key);
    const existing = place === undefined ? undefined : merged[place];
    if (place === undefined || !existing) {
      places.set(key, merged.length);
      merged.push(item);
    } else {
      merged[place] = mergeItems(existing, item, schema?.items);
    }
  }
  return arrange(merged, items, base, mergeKey);
}

/** `{name: a, $patch: delete}` takes an item away, `{$patch: replace}` all that were there. */
function applyItemDirectives(
  current: JsonObject[],
  patch: JsonObject[],
  mergeKey: string,
): { base: JsonObject[]; items: JsonObject[] } {
  const items: JsonObject[] = [];
  const gone = new Set<JsonValue>();
  let replaces = false;
  for (const item of patch) {
    const word = getKey(item, directive);
    if (word === undefined) {
      items.push(item);
    } else if (word === 'delete') {
      const key = getKey(item, mergeKey);
      if (key === undefined) throw noMergeKey(item, mergeKey);
      gone.add(key);
    } else if (word === 'replace') {
      replaces = true;
    } else if (word === 'merge') {
      throw badPatch('merging lists cannot yet be specified in the patch');
    } else {
      throw badPatch(`unknown patch type: ${goFormat(word)} in map: ${goFormat(item)}`);
    }
  }
  if (replaces) return { base: items, items: [] };
  return { base: current.filter((item) => !gone.has(getKey(item, mergeKey) ?? null)), items };
}

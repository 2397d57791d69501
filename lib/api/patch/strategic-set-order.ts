import type { JsonObject, JsonValue } from '../object.ts';
import type { Schema } from '../schema.ts';
import { getKey, goFormat, isJsonObject } from './json.ts';
import { goType, identityOf, itemKind, withoutDirectives } from './strategic-items.ts';
import { type MergeItems, mergeLists } from './strategic-list.ts';
import { arrange } from './strategic-order.ts';
import { badPatch, directive, orderPrefix } from './strategic-words.ts';

/**
 * Follows one `$setElementOrder/<field>`: merges the patch's list of that field into the document's and puts the
 * result into the order asked for. `merged` is absent when neither side has such a list.
 */
export function orderedLists(
  patchKey: string,
  document: JsonObject,
  patch: JsonObject,
  schemaOf: (field: string) => Schema | undefined,
  mergeItems: MergeItems,
): { field: string; merged?: JsonValue[] } {
  const order = listOf(getKey(patch, patchKey) ?? null);
  const [prefix = '', ...rest] = patchKey.split('/');
  if (rest.length === 0 || prefix !== orderPrefix)
    throw badPatch('invalid patch format of setElementOrder list');
  const field = rest.join('/');
  const current = optionalList(getKey(document, field));
  const change = optionalList(getKey(patch, field));
  const schema = schemaOf(field);
  const mergeKey = schema?.patchMergeKey;
  checkOrder(change ?? [], order, mergeKey);
  if (!current && !change) return { field };

  let merged = current ?? [];
  if (!current && change) merged = withoutDirectives(change) as JsonValue[];
  else if (change) {
    merged = schema?.patchStrategy?.includes('merge')
      ? mergeLists(merged, change, schema, false, mergeItems)
      : change;
  }
  itemKind(current ?? [], change ?? []);
  return { field, merged: arrange(merged, order, current ?? [], mergeKey) };
}

/** The items of the patch must be among those of the order, and in that order; deletions do not count. */
function checkOrder(
  patch: readonly JsonValue[],
  order: readonly JsonValue[],
  mergeKey: string | undefined,
): void {
  if (patch.length === 0 || order.length === 0) return;
  const items = patch.filter(
    (item) => mergeKey === undefined || !(isJsonObject(item) && Object.hasOwn(item, directive)),
  );
  let at = 0;
  for (const place of order) {
    const item = items[at];
    if (item === undefined) return;
    if (identityOf(item, mergeKey) === identityOf(place, mergeKey)) at++;
  }
  if (at < items.length) {
    throw badPatch(
      `The order in patch list:\n${goFormat([...patch])}\n doesn't match ${orderPrefix} list:\n${goFormat([...order])}\n`,
    );
  }
}

function optionalList(value: JsonValue | undefined): JsonValue[] | undefined {
  return value === undefined ? undefined : listOf(value);
}

function listOf(value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  throw badPatch(`expected a []interface {}, but received a ${goType(value)}`);
}

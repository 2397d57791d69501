import { KumulusError } from '../../errors.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { getKey, isJsonObject, setKey } from './json.ts';

/**
 * JSON merge patch (RFC 7386): objects are merged, null takes a member away, everything else replaces. As
 * kube-apiserver does, and beyond the RFC, nulls are also left out of objects inside of lists.
 *
 * Neither argument is changed; the result shares what did not change with the document.
 * @throws KumulusError BadRequest when the patch is not an object.
 */
export function applyMergePatch(document: JsonObject, patch: JsonValue): JsonObject {
  if (patch === null) throw new KumulusError('BadRequest', 'Invalid JSON Patch');
  if (!isJsonObject(patch)) {
    const found = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw new KumulusError(
      'BadRequest',
      `error decoding patch: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
    );
  }
  return mergeObjects(document, patch);
}

function mergeObjects(document: JsonObject, patch: JsonObject): JsonObject {
  const result = { ...document };
  for (const key of Object.keys(patch)) {
    const value = getKey(patch, key) ?? null;
    if (value === null) {
      delete result[key];
      continue;
    }
    const current = getKey(result, key);
    const merged =
      isJsonObject(current) && isJsonObject(value) ? mergeObjects(current, value) : withoutNulls(value);
    setKey(result, key, merged);
  }
  return result;
}

function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key] ?? null;
    if (member !== null) setKey(result, key, withoutNulls(member));
  }
  return result;
}

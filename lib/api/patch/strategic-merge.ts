/**
 * Strategic merge patch (API conventions, "Strategic Merge Patch"; the directives are those of the design proposals
 * "preserve order in strategic merge patch" and "add new patchStrategy to clear fields not present in patch").
 */
import type { JsonObject, JsonValue } from '../object.ts';
import type { Schema } from '../schema.ts';
import { getKey, goFormat, isJsonObject, kindOf, setKey } from './json.ts';
import { withoutDirectives } from './strategic-items.ts';
import { mergeLists } from './strategic-list.ts';
import { orderedLists } from './strategic-set-order.ts';
import { badPatch, deletePrefix, directive, orderPrefix, retainKeys } from './strategic-words.ts';

/**
 * Merges a patch into a document by its schema: lists with patch strategy `merge` by their merge key (or as a set
 * where the items are plain values), everything else that is a list is replaced. Where there is no schema
 * (`x-kubernetes-preserve-unknown-fields`) objects are merged and lists replaced.
 *
 * Neither argument is changed; the result shares what did not change with the document.
 * @throws KumulusError BadRequest in the words of kube-apiserver.
 */
export function applyStrategicMergePatch(document: JsonObject, patch: JsonValue, schema: Schema): JsonObject {
  if (patch === null) return { ...document };
  if (!isJsonObject(patch)) {
    const found = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw badPatch(`json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
  }
  return mergeObjects(document, patch, schema);
}

/** The schema of a member: of a struct's field, or of any value of a map. `undefined`: nothing is known about it. */
function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (!schema) return undefined;
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  if (schema.additionalProperties) return schema.additionalProperties;
  if (schema.preserveUnknownFields || !schema.properties) return undefined;
  const name = schema.name?.split('.').at(-1) ?? 'object';
  throw badPatch(`unable to find api field in struct ${name} for the json field ${JSON.stringify(key)}`);
}

function mergeObjects(document: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const whole = getKey(patch, directive);
  if (whole === 'replace') {
    const { [directive]: _, ...rest } = patch;
    return rest;
  }
  if (whole === 'delete') return {};
  if (whole !== undefined)
    throw badPatch(`unknown patch type: ${goFormat(whole)} in map: ${goFormat(patch)}`);

  const result = retained(document, patch);
  const ordered = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const { field, merged } = orderedLists(
      key,
      result,
      patch,
      (name) => memberSchema(schema, name),
      mergeObjects,
    );
    if (merged) {
      setKey(result, field, merged);
      ordered.add(field);
    }
  }
  for (const key of Object.keys(patch)) {
    if (key === retainKeys || key.startsWith(orderPrefix) || ordered.has(key)) continue;
    mergeMember(result, key, patch[key] ?? null, schema);
  }
  return result;
}

/** Merges one member of a patch into `result`, which is ours to change. */
function mergeMember(
  result: JsonObject,
  patchKey: string,
  value: JsonValue,
  schema: Schema | undefined,
): void {
  const deletes = patchKey.startsWith(deletePrefix);
  const key = deletes ? fieldOf(patchKey) : patchKey;
  if (value === null) {
    delete result[key];
    return;
  }
  const current = getKey(result, key);
  if (current === undefined || kindOf(current) !== kindOf(value)) {
    if (!deletes) assign(result, key, withoutDirectives(value));
    return;
  }
  if (isJsonObject(current) && isJsonObject(value)) {
    const child = memberSchema(schema, key);
    const replaces = child?.patchStrategy?.includes('replace') ?? false;
    setKey(result, key, replaces ? value : mergeObjects(current, value, child));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    const child = memberSchema(schema, key);
    const merges = deletes || (child?.patchStrategy?.includes('merge') ?? false);
    setKey(result, key, merges ? mergeLists(current, value, child, deletes, mergeObjects) : value);
  } else {
    assign(result, key, value);
  }
}

function fieldOf(patchKey: string): string {
  const [prefix = '', ...rest] = patchKey.split('/');
  if (rest.length === 0 || prefix !== deletePrefix) throw badPatch('invalid patch format of primitive list');
  return rest.join('/');
}

function assign(result: JsonObject, key: string, value: JsonValue | undefined): void {
  if (value === undefined) delete result[key];
  else setKey(result, key, value);
}

/** What `$retainKeys` leaves of a document, copied; everything when there is no such directive. */
function retained(document: JsonObject, patch: JsonObject): JsonObject {
  const list = getKey(patch, retainKeys);
  if (list === undefined) return { ...document };
  const failure = badPatch('invalid patch format of retainKeys');
  if (!Array.isArray(list)) throw failure;
  const kept = new Set(list);
  for (const key of Object.keys(patch)) {
    if (key === retainKeys || patch[key] === null || kept.has(key)) continue;
    if (!key.startsWith(deletePrefix) && !key.startsWith(orderPrefix)) throw failure;
  }
  const result: JsonObject = {};
  for (const key of Object.keys(document)) {
    if (kept.has(key)) setKey(result, key, document[key] ?? null);
  }
  return result;
}

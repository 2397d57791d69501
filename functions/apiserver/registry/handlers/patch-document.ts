/** Patches as documents: which type they are of, what strict field validation says of them, what they make of an object. */
import {
  countMembers,
  maxDepth,
  type FieldValidation,
  parseYaml,
  strictProblems,
  tryJson,
  yamlProblem,
} from '../../../../lib/api/decode/index.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  isJsonObject,
  unknownJsonPatchFields,
} from '../../../../lib/api/patch/index.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import { badRequest, unsupportedMediaType } from '../../../../lib/api/status.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { RequestContext } from '../../pipeline/context.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

export function patchTypeOf({ request }: RequestContext): PatchType {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const type = patchTypes[mediaType];
  if (!type) throw unsupportedMediaType(Object.keys(patchTypes));
  return type;
}

export interface ParsedPatch {
  patch: JsonValue;
  /** Members that stand there twice, or that no operation of a JSON patch has: for strict field validation. */
  problems: string[];
}

/** @throws KumulusError BadRequest */
export function parsePatch(bytes: Uint8Array, type: PatchType, validation: FieldValidation): ParsedPatch {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const isStrict = validation !== 'Ignore';
  try {
    if (type !== 'apply') {
      const patch = JSON.parse(text) as JsonValue;
      const members = membersOf(patch);
      const repeated = isStrict && countMembers(text) !== members ? strictProblems(text, anything) : [];
      if (type !== 'json') return { patch, problems: repeated };
      const unknown = isStrict ? unknownJsonPatchFields(patch) : [];
      return { patch, problems: [...repeated.map((problem) => `json patch ${problem}`), ...unknown] };
    }
    const { patch, problems } = parseApplied(text, isStrict);
    if (!isJsonObject(patch)) throw new Error('the patch is not an object');
    return { patch, problems };
  } catch (error) {
    const prefix = type === 'apply' ? 'error decoding YAML: ' : 'error decoding patch: ';
    throw badRequest(`${prefix}${messageOf(error)}`);
  }
}

/** JSON is YAML too, and what clients apply often is JSON, for which there is a faster way. */
function parseApplied(text: string, isStrict: boolean): ParsedPatch {
  const patch = text.trimStart().startsWith('{') ? tryJson(text) : undefined;
  if (patch !== undefined) {
    const members = membersOf(patch);
    if (!isStrict || countMembers(text) === members) return { patch, problems: [] };
  }
  const { value, duplicates } = parseYaml(text);
  if (duplicates.length === 0) return { patch: value, problems: [] };
  return { patch: value, problems: [`error converting YAML to JSON: ${yamlProblem(duplicates)}`] };
}

const anything: Schema & { additionalProperties?: Schema; items?: Schema } = { type: 'object' };
anything.additionalProperties = anything;
anything.items = anything;

/** @throws Error for a document that is deeper than any kind: what comes after is recursive, and a stack has an end. */
function membersOf(value: JsonValue, depth = 0): number {
  if (value === null || typeof value !== 'object') return 0;
  if (depth > maxDepth) throw new Error('exceeded max depth');
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += membersOf(item, depth + 1);
    return count;
  }
  for (const key of Object.keys(value)) count += 1 + membersOf(value[key] ?? null, depth + 1);
  return count;
}

/** The document after a JSON, merge or strategic merge patch. */
export function patchDocument(
  document: JsonObject,
  type: Exclude<PatchType, 'apply'>,
  patch: JsonValue,
  schema: Schema,
): JsonObject {
  switch (type) {
    case 'json':
      return applyJsonPatch(document, patch);
    case 'merge':
      return applyMergePatch(document, patch);
    case 'strategic':
      return applyStrategicMergePatch(document, patch, schema);
  }
}

import { apply, ignoredFields } from '../../../../lib/api/apply/index.ts';
import { conform, DecodeError, readYaml, strictMessage } from '../../../../lib/api/decode/index.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  cloneJson,
  isJsonObject,
} from '../../../../lib/api/patch/index.ts';
import { badRequest, notFound, unsupportedMediaType } from '../../../../lib/api/status.ts';
import { isKind, messageOf } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readBody } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { findStored, type Stored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { updateObject } from './create.ts';
import { respondWith, representationOf } from './render.ts';
import { createObject, type Write } from './write.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** A race between two that apply an object into being is run at most so often. */
const maxApplyRaces = 5;

export async function handlePatch(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const type = patchTypeOf(context);
  const params = writeParams(context.request.query, 'PatchOptions', type === 'apply');
  const { namespace, name, subresource } = context.info;
  const write: Write = { backend, context, entry, params, subresource };
  const patch = parsePatch(await readBody(context.request, backend.clock), type);
  context.audit?.sentPatch(patch);
  if (type === 'apply') {
    const { stored, created } = await applyPatch(write, patch as JsonObject);
    return respondWith(context, entry, representation, stored, backend.clock.now(), created ? 201 : 200);
  }
  const stored = await updateObject(write, namespace, name, (current) =>
    patched(write, current, type, patch),
  );
  return respondWith(context, entry, representation, stored, backend.clock.now());
}

export function patchTypeOf({ request }: RequestContext): PatchType {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const type = patchTypes[mediaType];
  if (!type) throw unsupportedMediaType(Object.keys(patchTypes));
  return type;
}

export function parsePatch(bytes: Uint8Array, type: PatchType): JsonValue {
  const text = Buffer.from(bytes).toString();
  try {
    if (type !== 'apply') return JSON.parse(text) as JsonValue;
    const value = readYaml(text);
    if (!isJsonObject(value)) throw new Error('the patch is not an object');
    return value;
  } catch (error) {
    const prefix = type === 'apply' ? 'error decoding YAML: ' : 'error decoding patch: ';
    throw badRequest(`${prefix}${messageOf(error)}`);
  }
}

/** The document after a JSON, merge or strategic merge patch. */
export function patchDocument(
  document: JsonObject,
  type: Exclude<PatchType, 'apply'>,
  patch: JsonValue,
  schema: RegistryEntry['definition']['schema'],
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

function patched(
  write: Write,
  current: AnyObject,
  type: Exclude<PatchType, 'apply'>,
  patch: JsonValue,
): AnyObject {
  const { entry } = write;
  const document = patchDocument(current as unknown as JsonObject, type, patch, entry.definition.schema);
  const object = conformed(write, document, current);
  if (object.kind !== entry.definition.kind || object.apiVersion !== entry.apiVersion) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${entry.definition.kind}): a patch may not change apiVersion or kind`,
    );
  }
  if (object.metadata.name !== current.metadata.name) {
    throw badRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${current.metadata.name})`,
    );
  }
  return object;
}

/**
 * A copy in the shape of the kind; fields that it does not know are told of or refused. The live object's managed fields
 * are not copied, so that it is seen at a glance that nobody changed them.
 */
function conformed(write: Write, document: JsonObject, live?: AnyObject): AnyObject {
  const { context, entry, params } = write;
  const metadata = document.metadata as JsonObject | undefined;
  const managedFields = live?.metadata.managedFields;
  const keepsManagers = managedFields !== undefined && metadata?.managedFields === (managedFields as unknown);
  const copied = keepsManagers
    ? { ...document, metadata: without(metadata ?? {}, 'managedFields') }
    : document;
  try {
    const { object, problems } = conform(cloneJson(copied), entry.definition.schema);
    if (keepsManagers) (object as unknown as AnyObject).metadata.managedFields = managedFields;
    object.kind = document.kind ?? null;
    object.apiVersion = document.apiVersion ?? null;
    if (problems.length > 0 && params.fieldValidation === 'Strict')
      throw new DecodeError(strictMessage(problems));
    if (params.fieldValidation === 'Warn') context.warnings.push(...problems);
    return object as unknown as AnyObject;
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(error.message);
    throw error;
  }
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

async function applyPatch(write: Write, patch: JsonObject): Promise<{ stored: Stored; created: boolean }> {
  const { backend, context, entry } = write;
  const { namespace, name, subresource } = context.info;
  for (let race = 0; ; race++) {
    const found = await findStored(backend, entry, namespace, name);
    try {
      if (!found) {
        if (subresource) throw notFound(entry.groupResource, name);
        const object = conformed(write, { metadata: {}, ...patch });
        object.metadata.name ??= name;
        const stored = await createObject(write, object, (defaulted) =>
          applied(write, undefined, patch, defaulted),
        );
        return { stored, created: true };
      }
      const stored = await updateObject(write, namespace, name, (current) => applied(write, current, patch), {
        track: () => (object) => object,
        current: found,
      });
      return { stored, created: false };
    } catch (error) {
      const lostRace = found ? isKind(error, 'NotFound') : isKind(error, 'AlreadyExists');
      if (!lostRace || race >= maxApplyRaces) throw error;
    }
  }
}

/** The merged object; a copy that may be changed. For a creation the system's part is taken from `defaulted`. */
function applied(
  write: Write,
  live: AnyObject | undefined,
  patch: JsonObject,
  defaulted?: AnyObject,
): AnyObject {
  const { backend, context, entry, params, subresource } = write;
  const { group, version, kind, schema } = entry.definition;
  const { rules } = entry.strategy;
  const merged = apply<AnyObject>({
    live,
    applied: patch,
    manager: params.fieldManager ?? '',
    force: params.force,
    group,
    version,
    kind,
    ...(subresource && { subresource }),
    schema,
    ignored: ignoredFields(subresource || undefined, rules.prepareForStatusUpdate !== undefined),
    now: backend.clock.now(),
  });
  const object = conformed({ ...write, context: { ...context } }, merged as unknown as JsonObject, live);
  object.metadata.namespace ??= defaulted?.metadata.namespace;
  if (object.metadata.namespace === undefined) delete object.metadata.namespace;
  if (!defaulted) return object;
  // Defaults and admission have been at work on the same object; only who owns what comes from here.
  return { ...defaulted, metadata: { ...defaulted.metadata, managedFields: object.metadata.managedFields } };
}

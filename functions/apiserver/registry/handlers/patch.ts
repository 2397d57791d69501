import { apply, ignoredFields } from '../../../../lib/api/apply/index.ts';
import { conform, DecodeError, strictMessage, type TypeWording } from '../../../../lib/api/decode/index.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { cloneJson, goFormat } from '../../../../lib/api/patch/index.ts';
import { badRequest, conflict, invalid, notFound } from '../../../../lib/api/status.ts';
import { invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { isKind, type KumulusError } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readBody } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { versionConverter } from '../conversion/versions.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { findStored, type Stored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { updateObject } from './create.ts';
import { parsePatch, patchDocument, type PatchType, patchTypeOf } from './patch-document.ts';
import { respondWith, representationOf } from './render.ts';
import { sharedSections } from './sections.ts';
import { checkName, createObject, type Write } from './write.ts';

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
  const bytes = await readBody(context.request, backend.clock);
  const { patch, problems } = parsePatch(bytes, type, params.fieldValidation);
  context.audit?.sentPatch(patch);
  if (type === 'apply') {
    const [problem] = problems;
    if (problem && params.fieldValidation === 'Strict') {
      throw badRequest(`error strict decoding patch: ${problem}`);
    }
    context.warnings.push(...problems);
    const { stored, created } = await applyPatch(write, patch as JsonObject);
    return respondWith(context, entry, representation, stored, backend.clock.now(), created ? 201 : 200);
  }
  const stored = await updateObject(write, namespace, name, (current) =>
    patched(write, current, type, patch, problems),
  );
  return respondWith(context, entry, representation, stored, backend.clock.now());
}

function patched(
  write: Write,
  current: AnyObject,
  type: Exclude<PatchType, 'apply'>,
  patch: JsonValue,
  problems: readonly string[],
): AnyObject {
  const { entry } = write;
  const document = patchDocument(current as unknown as JsonObject, type, patch, entry.definition.schema);
  const refuse = (message: string) => {
    const shown = type === 'strategic' ? goFormat(patch) : JSON.stringify(document);
    return invalid({ group: '', kind: '' }, '', [invalidValue(Path.of('patch'), shown, message)]);
  };
  const wording = type === 'strategic' ? 'unstructured' : 'json';
  const object = conformed(write, document, { live: current, problems, refuse, wording });
  if (object.kind !== entry.definition.kind || object.apiVersion !== entry.apiVersion) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${entry.definition.kind}): a patch may not change apiVersion or kind`,
    );
  }
  return object;
}

/**
 * A copy in the shape of the kind; fields that it does not know are told of or refused. What is the live object's very
 * own, managed fields above all, is not copied: it has its shape, and that nobody changed it is seen at a glance.
 */
function conformed(
  write: Write,
  document: JsonObject,
  options: {
    live?: AnyObject;
    /** Those of the patch itself. */
    problems?: readonly string[];
    refuse?: (message: string) => KumulusError;
    wording?: TypeWording;
  } = {},
): AnyObject {
  const { context, entry, params } = write;
  const { live, refuse = badRequest } = options;
  const metadata = document.metadata as JsonObject | undefined;
  const managedFields = live?.metadata.managedFields;
  const keepsManagers = managedFields !== undefined && metadata?.managedFields === (managedFields as unknown);
  const shared = live ? sharedSections(document, live) : [];
  const changed = shared.length > 0 ? without(document, ...shared) : document;
  const copied = keepsManagers ? { ...changed, metadata: without(metadata ?? {}, 'managedFields') } : changed;
  try {
    const { object: read, problems: found } = conform(
      cloneJson(copied),
      entry.definition.schema,
      options.wording,
    );
    const object = shared.length > 0 ? together(document, shared, read) : read;
    const problems = [...(options.problems ?? []), ...found];
    if (keepsManagers) (object as unknown as AnyObject).metadata.managedFields = managedFields;
    object.kind = document.kind ?? null;
    object.apiVersion = document.apiVersion ?? null;
    if (problems.length > 0 && params.fieldValidation === 'Strict')
      throw new DecodeError(strictMessage(problems));
    if (params.fieldValidation === 'Warn') context.warnings.push(...problems);
    return object as unknown as AnyObject;
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}

function without(object: JsonObject, ...names: readonly string[]): JsonObject {
  const rest = { ...object };
  for (const name of names) delete rest[name];
  return rest;
}

/** `rest` with what was left out of the document, in the document's order. */
function together(document: JsonObject, leftOut: readonly string[], rest: JsonObject): JsonObject {
  const whole: JsonObject = {};
  for (const key of Object.keys(document)) {
    const from = leftOut.includes(key) ? document : rest;
    if (Object.hasOwn(from, key)) whole[key] = from[key] ?? null;
  }
  for (const key of Object.keys(rest)) if (!Object.hasOwn(whole, key)) whole[key] = rest[key] ?? null;
  return whole;
}

async function applyPatch(write: Write, patch: JsonObject): Promise<{ stored: Stored; created: boolean }> {
  const { backend, context, entry } = write;
  const { namespace, name, subresource } = context.info;
  for (let race = 0; ; race++) {
    const found = await findStored(backend, entry, namespace, name);
    try {
      if (!found) {
        if (subresource) throw notFound(entry.groupResource, name);
        const object = applied(write, undefined, patch);
        object.metadata.name ||= name;
        checkName(entry, object, name);
        const { uid } = object.metadata;
        if (uid) {
          const reason = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
          throw conflict(entry.groupResource, name, reason);
        }
        delete object.metadata.resourceVersion;
        const stored = await createObject(write, object, (defaulted) => defaulted);
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

/** The merged object; a copy that may be changed. */
function applied(write: Write, live: AnyObject | undefined, patch: JsonObject): AnyObject {
  const { backend, entry, params, subresource } = write;
  const { group, version, kind, schema } = entry.definition;
  const { rules } = entry.strategy;
  const convert = versionConverter(backend.registry, entry);
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
    ...(convert && { convert }),
    ignored: ignoredFields(
      subresource || undefined,
      rules.prepareForStatusUpdate !== undefined,
      rules.statusResets,
    ),
    now: backend.clock.now(),
  });
  return conformed(write, merged as unknown as JsonObject, { ...(live && { live }) });
}

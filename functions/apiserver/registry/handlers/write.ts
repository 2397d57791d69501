/** What create, update, patch and apply share: from a decoded object to a stored one. */
import { randomUUID } from 'node:crypto';
import { ignoredFields, managerName, updateManagers } from '../../../../lib/api/apply/index.ts';
import type { ObjectMeta } from '../../../../lib/api/gen/types.ts';
import type { WriteRequest } from '../../../../lib/api/kinds/rules.ts';
import type { JsonObject, KubeObject } from '../../../../lib/api/object.ts';
import { omitEmpty } from '../../../../lib/api/decode/index.ts';
import { randomSuffix } from '../../../../lib/api/random-suffix.ts';
import { badRequest, conflict, generateNameConflict, invalid } from '../../../../lib/api/status.ts';
import { type FieldError, findFaults, required } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import { authorizeVerb } from '../../pipeline/authorization.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import type { WriteParams } from '../params.ts';
import { versionConverter } from '../conversion/versions.ts';
import type { RegistryEntry } from '../registry.ts';
import { createStored, dryStored, type Stored } from '../storage.ts';
import { type Hold, nothingHeld } from '../services/allocator.ts';
import type { AnyObject } from '../strategy.ts';
import { dropDuplicateOwners } from './owner-references.ts';
import { ownSections, shareSections } from './sections.ts';

export interface Write {
  backend: Backend;
  context: RequestContext;
  entry: RegistryEntry;
  params: WriteParams;
  /** `status`, or empty for the object itself. */
  subresource: string;
}

/** As kube-apiserver since v1.30: so many generated names may be taken before the client is told. */
const maxNameAttempts = 8;
const maxGeneratedBaseLength = 58;

export function admissionOf(
  write: Write,
  operation: AdmissionAttributes['operation'],
  object: AnyObject | undefined,
  oldObject: KubeObject | undefined,
): AdmissionAttributes {
  const { context, entry, params, subresource } = write;
  return {
    operation,
    entry,
    namespace: context.info.namespace,
    name: object?.metadata?.name || context.info.name,
    subresource,
    object,
    oldObject,
    user: context.user,
    dryRun: params.dryRun,
    warnings: context.warnings,
    auditAnnotations: context.auditAnnotations,
    withdrawals: [],
  };
}

/** The namespace of the path is the object's; a body that names another one was not meant for this path. */
export function checkPlace(write: Write, object: AnyObject): void {
  const { info } = write.context;
  if (write.entry.definition.namespaced) {
    const namespace = object.metadata.namespace;
    if (namespace && namespace !== info.namespace) {
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request`,
      );
    }
    object.metadata.namespace = info.namespace;
  } else if (object.metadata.namespace) {
    delete object.metadata.namespace;
  }
}

/** A decoded object on its way into the store for the first time. */
export async function createObject(
  write: Write,
  decoded: AnyObject,
  track: (object: AnyObject) => AnyObject = (one) => trackUpdate(write, undefined, one),
): Promise<Stored> {
  const { backend, entry, params } = write;
  const { rules } = entry.strategy;
  checkPlace(write, decoded);
  if (decoded.metadata.resourceVersion) {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  rules.applyDefaults(decoded);
  omitEmpty(decoded as unknown as JsonObject, entry.definition.schema);
  for (const field of [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
  ] as const) {
    delete decoded.metadata[field];
  }
  if (!isPatch(write)) dropDuplicateOwners(decoded, write.context.warnings, 'before');
  // Before admission: what the server adds by itself is not the client's (as in kube-apiserver).
  const object = track(decoded);
  const attributes = admissionOf(write, 'CREATE', object, undefined);
  await backend.admission.mutate(attributes);
  dropDuplicateOwners(object, write.context.warnings, 'after');
  rules.applyDefaults(object);
  const generateName = object.metadata.name ? undefined : object.metadata.generateName;
  for (let attempt = 1; ; attempt++) {
    if (generateName) object.metadata.name = generatedName(generateName);
    try {
      return await createNamed(write, object, attributes, params.dryRun);
    } catch (error) {
      if (!generateName || !isKind(error, 'AlreadyExists')) throw error;
      if (attempt >= maxNameAttempts) {
        throw generateNameConflict(entry.groupResource, object.metadata.name ?? '', 1);
      }
    }
  }
}

async function createNamed(
  write: Write,
  object: AnyObject,
  attributes: AdmissionAttributes,
  dryRun: boolean,
): Promise<Stored> {
  const { backend, entry, context } = write;
  const { rules } = entry.strategy;
  if (rules.load) await rules.load();
  const meta = object.metadata;
  meta.uid = randomUUID();
  meta.creationTimestamp = rfc3339(backend.clock.now());
  rules.prepareForCreate?.(object, writeRequest(write));
  if (rules.generationChanged) meta.generation = 1;
  else delete meta.generation;
  if (!meta.name) {
    refuse(entry, '', [required(Path.of('metadata', 'name'), 'name or generateName is required')]);
  }
  const hold = await backend.services.hold(entry, object, undefined, dryRun);
  try {
    refuseFaults(entry, meta.name ?? '', () => rules.validateCreate(object));
    context.warnings.push(...(rules.warnings?.(object, undefined) ?? []));
    // An update or an apply that finds nothing creates: leave to change things is none to make them.
    await authorizeVerb(backend.authorizer, context, 'create');
    await backend.admission.validate({ ...attributes, name: meta.name ?? '', object });
    const stored = toStorage(entry, object);
    if (!dryRun) return await createStored(backend, entry, stored);
    const existing = await backend.store.get(
      entry.storage,
      `${meta.namespace ? `${meta.namespace}/` : ''}${meta.name}`,
    );
    if (existing) return await createStored(backend, entry, stored);
    return dryStored(stored, 0);
  } catch (error) {
    await hold.undo();
    // Of any other failure nobody knows whether the object is there.
    if (isKind(error, 'AlreadyExists')) for (const withdraw of attributes.withdrawals) await withdraw();
    attributes.withdrawals.length = 0;
    throw error;
  }
}

/**
 * The next state of an object, from what the client wants it to be. `wanted` is taken over.
 * @throws KumulusError Conflict when it was made from another revision.
 */
export async function nextState(
  write: Write,
  current: Stored,
  wanted: AnyObject,
  track: (object: AnyObject) => AnyObject = (one) => trackUpdate(write, current.object, one),
): Promise<{ next: AnyObject; hold: Hold }> {
  const { backend, entry, context, params, subresource } = write;
  const { rules } = entry.strategy;
  const old = current.object;
  checkPlace(write, wanted);
  checkName(entry, wanted, old.metadata.name ?? '');
  carryOver(entry, wanted.metadata, old.metadata, current.revision);
  rules.applyDefaults(wanted);
  // An empty list is none from here on: it is no change, and nobody's.
  omitEmpty(wanted as unknown as JsonObject, entry.definition.schema, old as unknown as JsonObject);
  if (!isPatch(write)) dropDuplicateOwners(wanted, context.warnings, 'before');
  const next = track(wanted);
  // Plugins and kinds change it in place.
  ownSections(next, old);
  const attributes = admissionOf(write, 'UPDATE', next, old);
  await backend.admission.mutate(attributes);
  dropDuplicateOwners(next, context.warnings, 'after');
  if (rules.load) await rules.load();
  if (subresource === 'status') {
    const request = writeRequest(write);
    rules.prepareForStatusUpdate?.(next, old, request);
    keepGeneration(next, old);
    const validate = () => rules.validateStatusUpdate?.(next, old, request) ?? [];
    refuseFaults(entry, old.metadata.name ?? '', validate);
    await backend.admission.validate({ ...attributes, object: next });
    return { next, hold: nothingHeld };
  }
  rules.prepareForUpdate?.(next, old);
  const hold = await backend.services.hold(entry, next, old, params.dryRun);
  try {
    shareSections(next, old);
    keepGeneration(next, old);
    if (rules.generationChanged?.(next, old)) next.metadata.generation = (old.metadata.generation ?? 0) + 1;
    refuseFaults(entry, old.metadata.name ?? '', () => rules.validateUpdate(next, old));
    context.warnings.push(...(rules.warnings?.(next, old) ?? []));
    await backend.admission.validate({ ...attributes, object: next });
    return { next, hold };
  } catch (error) {
    await hold.undo();
    throw error;
  }
}

function isPatch({ context }: Write): boolean {
  return context.info.verb === 'patch';
}

function writeRequest({ backend, context }: Write): WriteRequest {
  return { user: context.user, now: backend.clock.now() };
}

function keepGeneration(next: AnyObject, old: AnyObject): void {
  if (old.metadata.generation === undefined) delete next.metadata.generation;
  else next.metadata.generation = old.metadata.generation;
}

/** System fields that the client left out stay as they are; a revision that it names must be the present one. */
function carryOver(entry: RegistryEntry, meta: ObjectMeta, old: ObjectMeta, revision: number): void {
  const name = old.name ?? '';
  if (meta.uid && meta.uid !== old.uid) {
    throw conflict(
      entry.groupResource,
      name,
      `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${old.uid}`,
    );
  }
  if (meta.resourceVersion && meta.resourceVersion !== '0' && meta.resourceVersion !== String(revision)) {
    throw conflict(entry.groupResource, name);
  }
  if (!meta.resourceVersion || meta.resourceVersion === '0') {
    if (entry.strategy.rules.allowUnconditionalUpdate) meta.resourceVersion = String(revision);
    else delete meta.resourceVersion;
  }
  meta.uid = old.uid;
  meta.creationTimestamp ??= old.creationTimestamp;
  meta.deletionTimestamp ??= old.deletionTimestamp;
  meta.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds;
  if (meta.deletionTimestamp === undefined) delete meta.deletionTimestamp;
  if (meta.deletionGracePeriodSeconds === undefined) delete meta.deletionGracePeriodSeconds;
  meta.generation = old.generation;
  if (meta.generateName === undefined && old.generateName !== undefined) meta.generateName = old.generateName;
}

export function trackUpdate(write: Write, live: AnyObject | undefined, updated: AnyObject): AnyObject {
  const { backend, context, entry, params, subresource } = write;
  const convert = versionConverter(backend.registry, entry);
  return updateManagers({
    live,
    updated,
    manager: managerName(params.fieldManager, context.request.headers['user-agent']),
    apiVersion: entry.apiVersion,
    ...(subresource && { subresource }),
    schema: entry.definition.schema,
    ...(convert && { convert }),
    ignored: ignoredFields(
      subresource || undefined,
      entry.strategy.rules.prepareForStatusUpdate !== undefined,
      entry.strategy.rules.statusResets,
    ),
    now: backend.clock.now(),
  });
}

/** Whether an update takes away the last thing that a deletion was waiting for. */
export function finishesDeletion(next: AnyObject, current: AnyObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = current.metadata;
  if (!deletionTimestamp || (deletionGracePeriodSeconds ?? 0) > 0) return false;
  if ((next.metadata.finalizers ?? []).length > 0) return false;
  const finalizers = next.kind === 'Namespace' ? next.spec?.finalizers : undefined;
  return !Array.isArray(finalizers) || finalizers.length === 0;
}

export function refuse(entry: RegistryEntry, name: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(entry.definition, name, errors);
}

/** Refuses what is not valid, without looking for each and every fault of it. */
export function refuseFaults(entry: RegistryEntry, name: string, validate: () => FieldError[]): void {
  refuse(entry, name, findFaults(validate));
}

/** `object` is taken over. What it has in common with the present state has been stored as it is to be. */
export function toStorage(entry: RegistryEntry, object: AnyObject, current?: AnyObject): AnyObject {
  const stored = entry.conversion ? undefined : current;
  omitEmpty(object as unknown as JsonObject, entry.definition.schema, stored as JsonObject | undefined);
  return entry.conversion ? (entry.conversion.toStored(object) as AnyObject) : object;
}

export function checkName(entry: RegistryEntry, object: AnyObject, name: string): void {
  if (!object.metadata.name) {
    refuse(entry, '', [required(Path.of('metadata', 'name'), 'name must be provided')]);
  }
  if (object.metadata.name !== name) {
    throw badRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
    );
  }
}

function generatedName(base: string): string {
  return base.slice(0, maxGeneratedBaseLength) + randomSuffix();
}

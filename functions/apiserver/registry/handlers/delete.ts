import { decodeBody } from '../../../../lib/api/decode/index.ts';
import type { DeleteOptions, Namespace, Status } from '../../../../lib/api/gen/types.ts';
import type { JsonObject } from '../../../../lib/api/object.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import { conflict, invalid, serverTimeout } from '../../../../lib/api/status.ts';
import { fieldForbidden, notSupported } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readDocument } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { listParams, type WriteParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { selectionFor } from '../selection.ts';
import {
  checkPreconditions,
  pause,
  readStored,
  removeStored,
  type Stored,
  updateStored,
} from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { renderList, representationOf, respondWith } from './render.ts';
import { admissionOf, type Write } from './write.ts';

const maxAttempts = 64;
/** Objects of one deletecollection that are deleted at once. */
const collectionWorkers = 8;

export async function handleDelete(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const options = await deleteOptions(backend, context);
  const { namespace, name } = context.info;
  const { stored, removed } = await deleteObject(
    { backend, context, entry, params: writeParamsOf(options), subresource: '' },
    namespace,
    name,
    options,
  );
  if (removed && !entry.strategy.returnsDeletedObject) {
    const { group, resource } = entry.groupResource;
    const status: Status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name, ...(group && { group }), kind: resource, uid: stored.object.metadata.uid },
    };
    return respondObject(context, { ...representation, transform: { as: 'object' } }, status);
  }
  const accepted =
    !removed && (options.orphanDependents === false || options.propagationPolicy === 'Foreground');
  return respondWith(
    context,
    entry,
    representation,
    stored,
    backend.clock.now(),
    accepted && options.orphanDependents === false ? 202 : 200,
  );
}

export async function handleDeleteCollection(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const options = await deleteOptions(backend, context);
  const params = listParams(context.request.query, entry, false);
  const { namespace } = context.info;
  const { prefix, match } = selectionFor(entry, namespace, params);
  const page = await backend.cache.list(entry.storage, {
    prefix,
    ...(match && { match }),
    ...(params.limit > 0 && { limit: params.limit }),
    signal: context.request.signal,
  });
  const write: Write = { backend, context, entry, params: writeParamsOf(options), subresource: '' };
  const rest = [...page.items];
  const work = async () => {
    for (let item = rest.shift(); item; item = rest.shift()) {
      const meta = item.object.metadata;
      try {
        await deleteObject(write, meta.namespace ?? '', meta.name, structuredClone(options));
      } catch (error) {
        // Somebody else has deleted it: that is what was wanted.
        if (!isKind(error, 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(collectionWorkers, rest.length) }, work));
  const objects = page.items.map(({ object }) => object);
  const metadata = { resourceVersion: String(page.revision) };
  return respondObject(
    context,
    representation,
    renderList(context, entry, representation, objects, metadata, backend.clock.now()),
  );
}

/** Deletes, or marks as being deleted where someone has to finish it first. */
export async function deleteObject(
  write: Write,
  namespace: string,
  name: string,
  options: DeleteOptions,
): Promise<{ stored: Stored; removed: boolean }> {
  const { backend, context, entry } = write;
  const preconditions = options.preconditions ?? {};
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const current = await readStored(backend, entry, namespace, name);
    checkPreconditions(entry, current, preconditions);
    if (attempt === 0) {
      const attributes = { ...admissionOf(write, 'DELETE', undefined, current.object), namespace, name };
      await backend.admission.mutate(attributes);
      await backend.admission.validate(attributes);
    }
    const plan = planDeletion(entry, current.object, options, backend.clock.now());
    if (plan.keep === current.object) return { stored: current, removed: false };
    if (write.params.dryRun)
      return { stored: plan.keep ? { ...current, object: plan.keep } : current, removed: !plan.keep };
    if (!plan.keep) {
      if (await removeStored(backend, entry, current)) {
        await backend.services.release(entry, current.object);
        return { stored: current, removed: true };
      }
    } else {
      const marked = plan.keep;
      try {
        const stored = await updateStored(backend, entry, namespace, name, (now) => {
          if (now.revision !== current.revision) throw conflict(entry.groupResource, name);
          return marked;
        });
        return { stored, removed: false };
      } catch (error) {
        if (!isKind(error, 'Conflict')) throw error;
      }
    }
    context.request.signal.throwIfAborted();
    await pause(backend, attempt);
  }
  throw serverTimeout(entry.groupResource, 'delete', 1);
}

/** What a deletion does to an object: what is kept of it (the same object: nothing), or undefined when it goes now. */
function planDeletion(
  entry: RegistryEntry,
  current: AnyObject,
  options: DeleteOptions,
  nowMs: number,
): { keep: AnyObject | undefined } {
  const finalizers = finalizersFor(current, options, entry.strategy.orphansByDefault);
  if (entry.definition.kind === 'Namespace' && entry.definition.group === '') {
    return planNamespace(current, finalizers, nowMs);
  }
  const meta = current.metadata;
  const next: AnyObject = { ...current, metadata: { ...meta } };
  let graceful = false;
  let graceSeconds = 0;
  if (entry.strategy.gracePeriodSeconds) {
    if (meta.deletionTimestamp) {
      const pending = meta.deletionGracePeriodSeconds;
      if (pending !== undefined) {
        // A deletion that is under way can only be hurried up.
        if (options.gracePeriodSeconds === undefined || options.gracePeriodSeconds >= pending) {
          if (pending > 0 || finalizers.length > 0) return { keep: current };
        } else {
          graceful = true;
          graceSeconds = Math.max(0, options.gracePeriodSeconds);
          const started = Date.parse(meta.deletionTimestamp) - pending * 1000;
          next.metadata.deletionTimestamp = rfc3339(started + graceSeconds * 1000);
          next.metadata.deletionGracePeriodSeconds = graceSeconds;
        }
      }
    } else {
      graceful = true;
      graceSeconds = entry.strategy.gracePeriodSeconds(current, options);
      next.metadata.deletionTimestamp = rfc3339(nowMs + graceSeconds * 1000);
      next.metadata.deletionGracePeriodSeconds = graceSeconds;
      if (meta.generation) next.metadata.generation = meta.generation + 1;
    }
  }
  setFinalizers(next, finalizers);
  if (finalizers.length > 0 && !graceful) {
    if (!meta.deletionTimestamp) {
      next.metadata.deletionTimestamp = rfc3339(nowMs);
      next.metadata.deletionGracePeriodSeconds = 0;
      if (meta.generation) next.metadata.generation = meta.generation + 1;
    } else if (sameFinalizers(meta.finalizers ?? [], finalizers)) {
      return { keep: current };
    }
    return { keep: next };
  }
  if (finalizers.length > 0 || graceSeconds > 0) return { keep: next };
  return { keep: undefined };
}

/** A namespace goes when its content has gone: `spec.finalizers` is emptied by the namespace controller. */
function planNamespace(
  current: AnyObject,
  finalizers: string[],
  nowMs: number,
): { keep: AnyObject | undefined } {
  const namespace = current as unknown as Namespace;
  if (!namespace.metadata.deletionTimestamp) {
    const next: AnyObject = {
      ...current,
      metadata: { ...current.metadata, deletionTimestamp: rfc3339(nowMs) },
      status: { ...current.status, phase: 'Terminating' },
    };
    setFinalizers(next, finalizers);
    return { keep: next };
  }
  const holds = (namespace.spec?.finalizers ?? []).length > 0 || finalizers.length > 0;
  return { keep: holds ? current : undefined };
}

/** `propagationPolicy` (garbage collection, KEP "orphan" and "foregroundDeletion" finalizers). */
function finalizersFor(current: AnyObject, options: DeleteOptions, orphansByDefault: boolean): string[] {
  const before = current.metadata.finalizers ?? [];
  const policy =
    options.propagationPolicy ??
    (options.orphanDependents === undefined ? undefined : options.orphanDependents ? 'Orphan' : 'Background');
  if (policy === undefined) {
    const isDecided = before.includes('orphan') || before.includes('foregroundDeletion');
    return orphansByDefault && !isDecided ? [...before, 'orphan'] : before;
  }
  const others = before.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (policy === 'Orphan') return [...others, 'orphan'];
  return policy === 'Foreground' ? [...others, 'foregroundDeletion'] : others;
}

function setFinalizers(object: AnyObject, finalizers: string[]): void {
  if (finalizers.length > 0) object.metadata.finalizers = finalizers;
  else delete object.metadata.finalizers;
}

function sameFinalizers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

/** From the body; without one, from the query. */
async function deleteOptions(backend: Backend, context: RequestContext): Promise<DeleteOptions> {
  const { request } = context;
  const { mediaType, bytes } = await readDocument(request, backend.clock);
  let options: DeleteOptions;
  if (bytes.byteLength > 0) {
    const schema = schemaFor('', 'v1', 'DeleteOptions');
    if (!schema) throw new Error('no schema for DeleteOptions');
    const decoded = decodeBody(bytes, {
      mediaType,
      group: '',
      version: 'v1',
      kind: 'DeleteOptions',
      schema,
      fieldValidation: 'Ignore',
    });
    options = decoded.object as JsonObject as DeleteOptions;
    context.audit?.sent(options);
  } else {
    const grace = request.query.get('gracePeriodSeconds');
    const orphan = request.query.get('orphanDependents');
    const policy = request.query.get('propagationPolicy');
    const dryRun = request.query.getAll('dryRun').filter(Boolean);
    options = {
      ...(grace !== null && grace !== '' && { gracePeriodSeconds: Number(grace) }),
      ...(orphan !== null && { orphanDependents: orphan === 'true' }),
      ...(policy && { propagationPolicy: policy }),
      ...(dryRun.length > 0 && { dryRun }),
    };
  }
  checkDeleteOptions(options);
  return options;
}

function checkDeleteOptions(options: DeleteOptions): void {
  const errors = [];
  const { propagationPolicy, orphanDependents, dryRun = [], gracePeriodSeconds } = options;
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    errors.push(
      fieldForbidden(
        Path.of('propagationPolicy'),
        'orphanDependents and deletionPropagation cannot be both set',
      ),
    );
  }
  if (
    propagationPolicy !== undefined &&
    !['Background', 'Foreground', 'Orphan'].includes(propagationPolicy)
  ) {
    errors.push(
      notSupported(Path.of('propagationPolicy'), propagationPolicy, [
        'Background',
        'Foreground',
        'Orphan',
        'nil',
      ]),
    );
  }
  if (dryRun.some((value) => value !== 'All')) errors.push(notSupported(Path.of('dryRun'), dryRun, ['All']));
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds)) {
    errors.push(notSupported(Path.of('gracePeriodSeconds'), gracePeriodSeconds, []));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
}

function writeParamsOf(options: DeleteOptions): WriteParams {
  return {
    dryRun: (options.dryRun ?? []).length > 0,
    fieldManager: undefined,
    fieldValidation: 'Ignore',
    force: false,
  };
}

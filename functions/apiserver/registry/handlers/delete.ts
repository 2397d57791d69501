import type { DeleteOptions, Namespace, Status } from '../../../../lib/api/gen/types.ts';
import { conflict, serverTimeout } from '../../../../lib/api/status.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import type { RegistryEntry } from '../registry.ts';
import { pause, readStored, removeStored, type Stored, updateStored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { deleteOptions, writeParamsOf } from './delete-options.ts';
import { representationOf, respondWith } from './render.ts';
import { admissionOf, type Write } from './write.ts';

const maxAttempts = 64;

export async function handleDelete(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const options = await deleteOptions(backend, context);
  const { namespace, name } = context.info;
  warnOfOrphans(context, entry, options);
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
  // Only to those who ask in the old way: others have come to rely on 200.
  const code = !removed && options.orphanDependents === false ? 202 : 200;
  return respondWith(context, entry, representation, stored, backend.clock.now(), code);
}

const jobsOrphan =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

/** Jobs leave their pods behind where nothing else is said, which few expect. */
export function warnOfOrphans(context: RequestContext, entry: RegistryEntry, options: DeleteOptions): void {
  const { group, kind } = entry.definition;
  if (group !== 'batch' || kind !== 'Job') return;
  if (options.propagationPolicy === undefined && options.orphanDependents === undefined) {
    context.warnings.push(jobsOrphan);
  }
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
  // A negative grace is the shortest that there is.
  if ((options.gracePeriodSeconds ?? 0) < 0) options.gracePeriodSeconds = 1;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const current = await readStored(backend, entry, namespace, name);
    checkDeletePreconditions(entry, current, preconditions);
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

function checkDeletePreconditions(
  entry: RegistryEntry,
  current: Stored,
  { uid: wantedUid, resourceVersion: wantedRevision }: NonNullable<DeleteOptions['preconditions']>,
): void {
  const { name = '', uid = '' } = current.object.metadata;
  const refuse = (reason: string) =>
    conflict({ group: entry.definition.group, resource: entry.definition.kind }, name, reason);
  if (wantedUid !== undefined && wantedUid !== uid) {
    throw refuse(
      `the UID in the precondition (${wantedUid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  if (wantedRevision !== undefined && wantedRevision !== String(current.revision)) {
    throw refuse(
      `the ResourceVersion in the precondition (${wantedRevision}) does not match the ResourceVersion in record (${current.revision}). The object might have been modified`,
    );
  }
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
          graceSeconds = options.gracePeriodSeconds;
          const started = Date.parse(meta.deletionTimestamp) - pending * 1000;
          let endMs = started + graceSeconds * 1000;
          if (endMs < nowMs) {
            // The time is over already; whoever has to finish it still hears of it first.
            endMs = nowMs;
            if (graceSeconds > 0) graceSeconds = 1;
          }
          next.metadata.deletionTimestamp = rfc3339(endMs);
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

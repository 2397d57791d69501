import type { DeleteOptions, Eviction, Pod } from '../../../../lib/api/gen/types.ts';
import { badRequest, pathNotFound } from '../../../../lib/api/status.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { updateObject } from '../handlers/create.ts';
import { deleteObject } from '../handlers/delete.ts';
import { representationOf } from '../handlers/render.ts';
import { admissionOf, type Write } from '../handlers/write.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { checkPreconditions, readStored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { decodeSubresource, respondSuccess } from './body.ts';
import { budgetsOf, lets, notProcessed, takeDisruption } from './disruption-budget.ts';

/** A pod that changes while it is looked at is looked at again so often, at most. */
const maxAttempts = 20;
const retryMs = 500;

/** Deletes a pod by way of the disruption budget that covers it (API-initiated eviction). */
export async function handleEviction(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const params = writeParams(context.request.query, 'CreateOptions');
  const kind = { group: 'policy', version: 'v1', kind: 'Eviction' };
  const eviction = await decodeSubresource<Eviction>(backend, context, kind, params);
  const { name } = context.info;
  if (eviction.metadata.name && eviction.metadata.name !== name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const options = eviction.deleteOptions ?? {};
  const asked = options.dryRun ?? [];
  if (params.dryRun && asked.length > 0 && !asked.includes('All')) {
    throw badRequest(`Non-matching dry-run options in request and content: [All] and [${asked.join(' ')}]`);
  }
  const dryRun = params.dryRun || asked.length > 0;
  const write: Write = { backend, context, entry, params: { ...params, dryRun }, subresource: 'eviction' };
  const attributes = admissionOf(write, 'CREATE', eviction as unknown as AnyObject, undefined);
  await backend.admission.mutate(attributes);
  await backend.admission.validate(attributes);
  const pod = await removeUnguarded(write, options);
  if (pod && !(await removeGuarded(write, pod, options))) return respondAmbiguous(context);
  return respondSuccess(context);
}

/**
 * Deletes a pod that is no loss to anybody: it has ended, has not begun or is going already.
 * @returns the pod when it is none of these
 */
async function removeUnguarded(write: Write, options: DeleteOptions): Promise<Pod | undefined> {
  const { backend, context, entry } = write;
  const { namespace, name } = context.info;
  for (let attempt = 1; ; attempt++) {
    const { object } = await readStored(backend, entry, namespace, name);
    const pod = object as unknown as Pod;
    if (!isNoLoss(pod)) return pod;
    try {
      await markAndDelete(write, withRevision(options, pod));
      return undefined;
    } catch (error) {
      const mayRetry = isKind(error, 'Conflict') && !options.preconditions?.resourceVersion;
      if (!mayRetry || attempt >= maxAttempts) throw error;
    }
    await backend.clock.sleep(retryMs * (1 + Math.random() / 10), context.request.signal);
  }
}

function isNoLoss({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp) return true;
  return ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');
}

/** False when more than one budget covers the pod, which nobody can decide. */
async function removeGuarded(write: Write, pod: Pod, options: DeleteOptions): Promise<boolean> {
  const { backend, context, params } = write;
  const budgets = backend.registry.find('policy', 'v1', 'poddisruptionbudgets');
  if (!budgets) throw pathNotFound();
  const [budget, another] = await budgetsOf(backend, budgets, pod, context.request.signal);
  if (another) return false;
  if (!budget) {
    await markAndDelete(write, options);
    return true;
  }
  if (!lets(budget, pod)) {
    const status = {
      ...write,
      entry: budgets,
      subresource: 'status',
      params: { ...params, fieldManager: 'kube-apiserver' },
    };
    await takeDisruption(status, budget, pod.metadata.name ?? '');
    await markAndDelete(write, options);
    return true;
  }
  try {
    // It goes as what it was seen to be, and not when it has become ready meanwhile.
    await markAndDelete(write, withRevision(options, pod));
    return true;
  } catch (error) {
    if (!isKind(error, 'Conflict') || options.preconditions?.resourceVersion) throw error;
    throw notProcessed(budget.metadata.name ?? '');
  }
}

function withRevision(options: DeleteOptions, { metadata }: Pod): DeleteOptions {
  const { resourceVersion } = metadata;
  return {
    ...options,
    preconditions: { ...(resourceVersion && { resourceVersion }), ...options.preconditions },
  };
}

function respondAmbiguous(context: RequestContext): Promise<ApiResponse> {
  const message =
    'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 };
  return respondObject(context, representationOf(context, false), status, 500);
}

/** Says on the pod why it goes (KEP-3329), and deletes it. */
async function markAndDelete(write: Write, options: DeleteOptions): Promise<void> {
  const { context, params, backend, entry } = write;
  const { namespace, name } = context.info;
  if (params.dryRun) {
    await deleteObject(write, namespace, name, options);
    return;
  }
  const marked = await updateObject({ ...write, subresource: 'status' }, namespace, name, (current) => {
    const revision = Number(current.metadata.resourceVersion);
    checkPreconditions(
      entry,
      { object: current, revision, json: new Uint8Array() },
      options.preconditions ?? {},
    );
    return withDisruptionTarget(current as unknown as Pod, backend.clock.now()) as unknown as AnyObject;
  });
  const { resourceVersion } = options.preconditions ?? {};
  const preconditions = resourceVersion
    ? { ...options.preconditions, resourceVersion: String(marked.revision) }
    : options.preconditions;
  await deleteObject(write, namespace, name, { ...options, ...(preconditions && { preconditions }) });
}

function withDisruptionTarget(current: Pod, nowMs: number): Pod {
  const pod = structuredClone(current);
  const conditions = (pod.status ??= {}).conditions ?? [];
  const before = conditions.find(({ type }) => type === 'DisruptionTarget');
  const isTrue = before?.status === 'True';
  const condition = {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: (isTrue && before.lastTransitionTime) || rfc3339(nowMs),
  };
  const isNew = before === undefined;
  pod.status.conditions = isNew
    ? [...conditions, condition]
    : conditions.map((one) => (one.type === 'DisruptionTarget' ? condition : one));
  return pod;
}

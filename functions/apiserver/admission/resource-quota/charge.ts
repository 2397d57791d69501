/** What one write does to the quotas of its namespace. */
import type { ResourceQuota } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import {
  addAmounts,
  type Amounts,
  amountsBeyond,
  type Evaluator,
  maskAmounts,
  matchesScopes,
  namesOver,
  negativeNames,
  type PendingUsage,
  pendingOf,
  showAmounts,
  withoutZeros,
  withPending,
} from '../../../../lib/api/quota/index.ts';
import { forbidden, qualified } from '../../../../lib/api/status.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import { type LimitedResource, uncovered } from './limited.ts';

export interface Charge {
  attributes: AdmissionAttributes;
  evaluator: Evaluator;
  object: KubeObject;
}

/**
 * The quotas that change, as they are after the write, to be `sealed` for the store; the others are not in the map.
 * @throws KumulusError Forbidden where one of them does not allow it.
 */
export function chargeQuotas(
  quotas: readonly ResourceQuota[],
  charge: Charge,
  nowMs: number,
  limited: readonly LimitedResource[] = [],
): Map<ResourceQuota, ResourceQuota> {
  const { attributes, evaluator, object } = charge;
  const refuse = (reason: string) =>
    forbidden(attributes.entry.groupResource, object.metadata.name ?? '', reason);
  const concerned = quotas.flatMap((quota) => {
    const tracked = Object.keys(quota.status?.hard ?? {}).filter((name) => evaluator.isTracked(name));
    return tracked.length > 0 && matchesScopes(quota.spec, evaluator, object) ? [{ quota, tracked }] : [];
  });
  for (const { quota, tracked } of concerned) {
    const name = quota.metadata.name ?? '';
    const complaint = evaluator.complaint?.(object, tracked);
    if (complaint !== undefined) throw refuse(`failed quota: ${name}: ${complaint}`);
    const used = quota.status?.used ?? {};
    if (!tracked.every((resource) => Object.hasOwn(used, resource))) {
      throw refuse(`status unknown for quota: ${name}, resources: ${tracked.join(',')}`);
    }
  }
  if (limited.length > 0) {
    const covered = new Set(concerned.flatMap(({ tracked }) => tracked));
    const { groupResource } = attributes.entry;
    const use = { groupResource, evaluator, object, usage: () => evaluator.usage(object, nowMs) };
    const problem = uncovered(limited, quotas, covered, use);
    if (problem !== undefined) throw refuse(problem);
  }
  const changed = new Map<ResourceQuota, ResourceQuota>();
  if (concerned.length === 0) return changed;
  const usage = evaluator.usage(object, nowMs);
  const negative = negativeNames(usage);
  if (negative.length > 0) throw refuse(`quota usage is negative for resource(s): ${negative.join(',')}`);
  for (const { quota } of concerned) {
    const hard = quota.status?.hard ?? {};
    const used = quota.status?.used ?? {};
    const requested = withoutZeros(maskAmounts(deltaFor(quota, charge, usage, nowMs), Object.keys(hard)));
    if (Object.keys(requested).length === 0) continue;
    const total = addAmounts(used, requested);
    const over = namesOver(maskAmounts(total, Object.keys(requested)), hard);
    if (over.length > 0 && attributes.subresource !== 'status') {
      const show = (amounts: Amounts) => showAmounts(maskAmounts(amounts, over));
      throw refuse(
        `exceeded quota: ${quota.metadata.name}, requested: ${show(requested)}, used: ${show(used)}, limited: ${show(hard)}`,
      );
    }
    changed.set(quota, charged(quota, total, pendingFor(charge, requested, nowMs)));
  }
  return changed;
}

/** An update is charged for what it adds, if the object was of the quota before. */
function deltaFor(quota: ResourceQuota, charge: Charge, usage: Amounts, nowMs: number): Amounts {
  const { evaluator, attributes } = charge;
  const { oldObject, operation } = attributes;
  if (operation !== 'UPDATE' || !oldObject || !matchesScopes(quota.spec, evaluator, oldObject)) return usage;
  return amountsBeyond(usage, evaluator.usage(oldObject, nowMs));
}

function pendingFor({ attributes, object }: Charge, usage: Amounts, at: number): PendingUsage {
  const before = attributes.oldObject?.metadata.resourceVersion;
  return {
    uid: object.metadata.uid ?? '',
    resource: qualified(attributes.entry.groupResource),
    usage,
    at,
    ...(attributes.operation === 'UPDATE' && before !== undefined && { before }),
  };
}

/** What quotas on their way into the store carry: written out once, however many writes were charged. */
const carried = new WeakMap<ResourceQuota, readonly PendingUsage[]>();

/** A quota's entries, those that are not written out yet among them. */
export function entriesOf(quota: ResourceQuota): readonly PendingUsage[] {
  let entries = carried.get(quota);
  if (!entries) {
    entries = pendingOf(quota);
    carried.set(quota, entries);
  }
  return entries;
}

function charged(quota: ResourceQuota, used: Amounts, pending: PendingUsage): ResourceQuota {
  const next: ResourceQuota = { ...quota, status: { ...quota.status, used } };
  carried.set(next, [...entriesOf(quota), pending]);
  return next;
}

/** The quota as it is stored: with all that it carries. */
export function sealed(quota: ResourceQuota): ResourceQuota {
  const annotations = withPending(quota.metadata.annotations, entriesOf(quota));
  return { ...quota, metadata: { ...quota.metadata, ...(annotations && { annotations }) } };
}

/** The quota without what it was charged for this object; undefined where it was not, or is not any more. */
export function withoutCharge(quota: ResourceQuota, uid: string): ResourceQuota | undefined {
  const entries = pendingOf(quota);
  const gone = entries.filter((entry) => entry.uid === uid);
  if (gone.length === 0) return undefined;
  const { annotations: before, ...metadata } = quota.metadata;
  const annotations = withPending(
    before,
    entries.filter((entry) => entry.uid !== uid),
  );
  let used = quota.status?.used ?? {};
  for (const { usage } of gone) {
    used = { ...used, ...amountsBeyond(maskAmounts(used, Object.keys(usage)), usage) };
  }
  return {
    ...quota,
    metadata: { ...metadata, ...(annotations && { annotations }) },
    status: { ...quota.status, used },
  };
}

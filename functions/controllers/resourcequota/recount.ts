import type { Pod, ResourceQuota } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import {
  type Amounts,
  amountsTotal,
  type Evaluator,
  matchesScopes,
  type PendingUsage,
  pendingMs,
  pendingOf,
} from '../../../lib/api/quota/index.ts';

/** The objects of one type in the quota's namespace, which the quota tracks. */
export interface Counted {
  /** `pods`, `deployments.apps` */
  resource: string;
  evaluator: Evaluator;
  objects: readonly Persisted<KubeObject>[];
}

export interface Recount {
  used: Amounts;
  /** Charged for writes that these objects do not show yet. */
  pending: PendingUsage[];
  /** When time alone changes the count, if it does. */
  nextMs: number | undefined;
}

/**
 * What a quota's objects use now. `counted` must be read after the quota: what was charged before it is then either in
 * the objects or among the entries that the quota carries. `wasSeen` knows objects that were there once.
 */
export function recount(
  quota: ResourceQuota,
  counted: readonly Counted[],
  nowMs: number,
  wasSeen: (uid: string) => boolean,
): Recount {
  const names = Object.keys(quota.spec.hard ?? {});
  const tracked = new Set(names.filter((name) => counted.some(({ evaluator }) => evaluator.isTracked(name))));
  const total = amountsTotal();
  const times: number[] = [];
  for (const { evaluator, objects } of counted) {
    for (const object of objects) {
      if (!matchesScopes(quota.spec, evaluator, object)) continue;
      total.add(evaluator.usage(object, nowMs), tracked);
      const end = chargedUntil(object);
      if (end !== undefined && end >= nowMs) times.push(end + 1);
    }
  }
  const pending = pendingOf(quota).filter((entry) => isOpen(entry, counted, nowMs, wasSeen));
  for (const entry of pending) {
    total.add(entry.usage, tracked);
    times.push(entry.at + pendingMs);
  }
  const zeros = Object.fromEntries([...tracked].map((name) => [name, '0']));
  const used = { ...zeros, ...total.sum() };
  return { used, pending, nextMs: times.length > 0 ? Math.min(...times) : undefined };
}

/** Whether a charged write may still be on its way. */
function isOpen(
  entry: PendingUsage,
  counted: readonly Counted[],
  nowMs: number,
  wasSeen: (uid: string) => boolean,
): boolean {
  if (nowMs - entry.at >= pendingMs) return false;
  const objects = counted.find(({ resource }) => resource === entry.resource)?.objects;
  const object = objects?.find(({ metadata }) => metadata.uid === entry.uid);
  if (entry.before === undefined) return object === undefined && !wasSeen(entry.uid);
  return object?.metadata.resourceVersion === entry.before;
}

/** A pod that is being deleted is charged until its grace is over. */
function chargedUntil(object: KubeObject): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = (object as Pod).metadata;
  if (!deletionTimestamp || !deletionGracePeriodSeconds) return undefined;
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

import type { Pod } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { isPodReady, readySinceMs } from '../pods.ts';

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

interface Ranked {
  pod: Persisted<Pod>;
  /** How many pods that do the same work run on its node. */
  sameNode: number;
}

/**
 * The `count` pods to delete when a controller has too many (ReplicaSet, "Scaling a ReplicaSet"): first those that
 * are not on a node, pending, not ready, cheap to delete, doubled up on their node, ready for less time, restarted
 * more often, younger. Times are compared by their power of two, and the uid decides between like ones
 * (KEP-2185), so that not always the youngest goes. `related` are the pods that do the same work, these ones included.
 */
export function podsToDelete(
  pods: readonly Persisted<Pod>[],
  related: readonly Pod[],
  count: number,
  nowMs: number,
): Persisted<Pod>[] {
  if (count >= pods.length) return [...pods];
  const perNode = new Map<string, number>();
  for (const { spec } of related) {
    if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  return pods
    .map((pod): Ranked => ({ pod, sameNode: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
    .sort((one, other) => compareForDeletion(one, other, nowMs))
    .slice(0, count)
    .map(({ pod }) => pod);
}

function compareForDeletion(one: Ranked, other: Ranked, nowMs: number): number {
  const [a, b] = [one.pod, other.pod];
  return (
    Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    other.sameNode - one.sameNode ||
    compareReadyTimes(a, b, nowMs) ||
    restarts(b) - restarts(a) ||
    compareSince(
      Date.parse(a.metadata.creationTimestamp),
      Date.parse(b.metadata.creationTimestamp),
      a,
      b,
      nowMs,
    )
  );
}

function phaseRank(pod: Pod): number {
  return phaseOrder[pod.status?.phase ?? ''] ?? 0;
}

function deletionCost(pod: Pod): number {
  const value = pod.metadata.annotations?.[deletionCostAnnotation];
  return value !== undefined && /^(0|-?[1-9]\d*)$/.test(value) ? Number(value) : 0;
}

function compareReadyTimes(a: Persisted<Pod>, b: Persisted<Pod>, nowMs: number): number {
  if (!isPodReady(a) || !isPodReady(b)) return 0;
  return compareSince(readySinceMs(a) ?? 0, readySinceMs(b) ?? 0, a, b, nowMs);
}

/** Later first; equal times are equal, unequal ones of one power of two are decided by uid. */
function compareSince(aMs: number, bMs: number, a: Persisted<Pod>, b: Persisted<Pod>, nowMs: number): number {
  if (aMs === bMs) return 0;
  if (aMs === 0 || bMs === 0) return bMs - aMs;
  const difference = magnitude(nowMs - aMs) - magnitude(nowMs - bMs);
  if (difference !== 0) return difference;
  return a.metadata.uid < b.metadata.uid ? -1 : 1;
}

/** The power of two of a time span, in nanoseconds as upstream counts them. */
function magnitude(ms: number): number {
  return ms > 0 ? Math.floor(Math.log2(ms * 1e6)) : -1;
}

function restarts(pod: Pod): number {
  const sidecars = new Set(
    pod.spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name),
  );
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []).filter((status) => sidecars.has(status.name)),
  ];
  return Math.max(0, ...statuses.map((status) => status.restartCount));
}

import type { Node, Taint } from '../../../lib/api/gen/types.ts';

export const notReady = 'node.kubernetes.io/not-ready';
export const unreachable = 'node.kubernetes.io/unreachable';

/** Conditions of a node and the taints that keep new pods away while they hold (Taints and Tolerations, "Taint Nodes by Condition"). */
const conditionTaints: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReady, Unknown: unreachable },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
};
const unschedulable = 'node.kubernetes.io/unschedulable';
const ownNoSchedule = new Set([
  unschedulable,
  ...Object.values(conditionTaints).flatMap(Object.values<string>),
]);

export function readyStatus(node: Node): 'True' | 'False' | 'Unknown' | undefined {
  const status = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return status === 'True' || status === 'False' || status === 'Unknown' ? status : undefined;
}

/** The taint that drives pods off a node in this state. */
export function evictionKey(node: Node): string | undefined {
  const status = readyStatus(node);
  return status === 'Unknown' ? unreachable : status === 'False' ? notReady : undefined;
}

export function isEvictionTaint({ key, effect }: Taint): boolean {
  return effect === 'NoExecute' && (key === notReady || key === unreachable);
}

/** The taints that a node should have; those of others are left. `evict` says whether its pods are to be driven off. */
export function wantedTaints(node: Node, evict: boolean, now: string): Taint[] {
  const present = node.spec?.taints ?? [];
  const wanted: Taint[] = present.filter(
    (taint) => !isEvictionTaint(taint) && !(taint.effect === 'NoSchedule' && ownNoSchedule.has(taint.key)),
  );
  const add = (key: string, effect: string) =>
    wanted.push(
      present.find((taint) => taint.key === key && taint.effect === effect) ?? {
        key,
        effect,
        timeAdded: now,
      },
    );
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = conditionTaints[type]?.[status];
    if (key) add(key, 'NoSchedule');
  }
  if (node.spec?.unschedulable) add(unschedulable, 'NoSchedule');
  const key = evictionKey(node);
  if (evict && key) add(key, 'NoExecute');
  return wanted;
}

export function sameTaints(one: readonly Taint[], other: readonly Taint[]): boolean {
  const words = (taints: readonly Taint[]) =>
    taints
      .map(({ key, effect, value = '' }) => `${key}=${value}:${effect}`)
      .sort()
      .join();
  return words(one) === words(other);
}

import type { Pod, PodDisruptionBudget } from '../../../lib/api/gen/types.ts';

/** How long an evicted pod may take to be deleted, before it counts as still there; upstream's. */
const deletionTimeoutMs = 120_000;

export interface Disrupted {
  /** `status.disruptedPods` without those that have gone, or that were not deleted after all. */
  pods: Record<string, string>;
  /** Names of those that were to be deleted and were not. */
  overdue: string[];
  /** When the next one would be overdue. */
  recheckMs: number | undefined;
}

/** The evictions that were promised and that the pods themselves do not show yet. */
export function disruptedPods(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): Disrupted {
  const promised = status?.disruptedPods ?? {};
  const found: Disrupted = { pods: {}, overdue: [], recheckMs: undefined };
  for (const { metadata } of pods) {
    const name = metadata.name ?? '';
    const at = promised[name];
    if (at === undefined || metadata.deletionTimestamp) continue;
    const leftMs = Date.parse(at) + deletionTimeoutMs - nowMs;
    if (leftMs <= 0) {
      found.overdue.push(name);
      continue;
    }
    found.pods[name] = at;
    found.recheckMs = Math.min(found.recheckMs ?? Number.POSITIVE_INFINITY, leftMs);
  }
  return found;
}

/**
 * In how many ms a pod's `DisruptionTarget` condition is out of date: whoever announced the disruption has not carried
 * it out (KEP-3329). Undefined where there is nothing to take back.
 */
export function staleConditionMs({ metadata, status }: Pod, nowMs: number): number | undefined {
  if (metadata.deletionTimestamp || status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return undefined;
  const condition = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  if (condition?.status !== 'True') return undefined;
  const since = Date.parse(condition.lastTransitionTime ?? '');
  return Number.isNaN(since) ? 0 : Math.max(0, since + deletionTimeoutMs - nowMs);
}

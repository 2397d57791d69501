import type {
  Condition,
  PodDisruptionBudget,
  PodDisruptionBudgetStatus,
} from '../../../lib/api/gen/types.ts';
import { rfc3339 } from '../../../lib/clock.ts';

export interface Counted {
  currentHealthy: number;
  desiredHealthy: number;
  expectedPods: number;
  disruptedPods: Record<string, string>;
}

export function budgetStatus(
  budget: PodDisruptionBudget,
  { currentHealthy, desiredHealthy, expectedPods, disruptedPods }: Counted,
  nowMs: number,
): PodDisruptionBudgetStatus {
  // Nothing is guarded where nothing is expected, so nothing may be disrupted.
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const says =
    disruptionsAllowed > 0
      ? { status: 'True', reason: 'SufficientPods', message: '' }
      : { status: 'False', reason: 'InsufficientPods', message: '' };
  return {
    conditions: withCondition(budget, says, nowMs),
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    observedGeneration: budget.metadata.generation ?? 0,
  };
}

/** Nobody may be evicted on the word of a budget that could not be worked out. */
export function failedStatus(
  budget: PodDisruptionBudget,
  message: string,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0, ...rest } = budget.status ?? {};
  const says = { status: 'False', reason: 'SyncFailed', message };
  const counts = { currentHealthy, desiredHealthy, expectedPods };
  return { ...rest, ...counts, disruptionsAllowed: 0, conditions: withCondition(budget, says, nowMs) };
}

const type = 'DisruptionAllowed';

function withCondition(
  { metadata, status }: PodDisruptionBudget,
  says: Pick<Condition, 'status' | 'reason' | 'message'>,
  nowMs: number,
): Condition[] {
  const conditions = status?.conditions ?? [];
  const before = conditions.find((condition) => condition.type === type);
  const lastTransitionTime = before?.status === says.status ? before.lastTransitionTime : rfc3339(nowMs);
  const condition = { type, ...says, lastTransitionTime, observedGeneration: metadata.generation ?? 0 };
  if (!before) return [...conditions, condition];
  return conditions.map((one) => (one === before ? condition : one));
}

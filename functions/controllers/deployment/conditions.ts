import type { DeploymentCondition, DeploymentStatus } from '../../../lib/api/gen/types.ts';
import { rfc3339 } from '../../../lib/clock.ts';

export type ProgressReason =
  | 'ReplicaSetUpdated'
  | 'ReplicaSetCreateError'
  | 'NewReplicaSetCreated'
  | 'FoundNewReplicaSet'
  | 'NewReplicaSetAvailable'
  | 'ProgressDeadlineExceeded'
  | 'DeploymentPaused'
  | 'DeploymentResumed';

export function conditionOf(
  status: DeploymentStatus | undefined,
  type: string,
): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Every condition's place is at the end once it changes; one with the same status and reason stays as it was. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  condition: DeploymentCondition,
): DeploymentCondition[] {
  const before = conditions.find((other) => other.type === condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return [...conditions];
  const lastTransitionTime =
    before?.status === condition.status ? before.lastTransitionTime : condition.lastTransitionTime;
  return [...withoutCondition(conditions, condition.type), { ...condition, lastTransitionTime }];
}

export function withoutCondition(
  conditions: readonly DeploymentCondition[],
  type: string,
): DeploymentCondition[] {
  return conditions.filter((condition) => condition.type !== type);
}

export function newCondition(
  type: 'Available' | 'Progressing',
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const at = rfc3339(nowMs);
  return { type, status, lastUpdateTime: at, lastTransitionTime: at, reason, message };
}

export function progressing(
  status: 'True' | 'False' | 'Unknown',
  reason: ProgressReason,
  message: string,
  nowMs: number,
): DeploymentCondition {
  return newCondition('Progressing', status, reason, message, nowMs);
}

import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../../lib/api/gen/types.ts';
import { orNone } from '../common/or-none.ts';
import { conditionOf, newCondition, progressing, withCondition, withoutCondition } from './conditions.ts';
import { desiredReplicas, maxUnavailable, setReplicas, sumOf } from './strategy.ts';

/** Stands for no deadline (MaxInt32). */
const noDeadline = 2_147_483_647;

export function hasProgressDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline;
}

/** Counts, and the Available condition; the other conditions as they were. */
export function countStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const available = sumOf(all, (set) => set.status?.availableReplicas ?? 0);
  const enough = available >= desiredReplicas(deployment) - maxUnavailable(deployment);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: orNone(sumOf(all, (set) => set.status?.replicas ?? 0)),
    updatedReplicas: orNone(newSet?.status?.replicas ?? 0),
    readyReplicas: orNone(sumOf(all, (set) => set.status?.readyReplicas ?? 0)),
    availableReplicas: orNone(available),
    unavailableReplicas: orNone(Math.max(0, sumOf(all, setReplicas) - available)),
    terminatingReplicas: sumOf(all, (set) => set.status?.terminatingReplicas ?? 0),
    collisionCount: deployment.status?.collisionCount,
    conditions: withCondition(
      deployment.status?.conditions ?? [],
      enough
        ? newCondition(
            'Available',
            'True',
            'MinimumReplicasAvailable',
            'Deployment has minimum availability.',
            nowMs,
          )
        : newCondition(
            'Available',
            'False',
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
            nowMs,
          ),
    ),
  };
}

export function isComplete({ metadata, spec }: Deployment, status: DeploymentStatus | undefined): boolean {
  const replicas = spec.replicas ?? 1;
  return (
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas &&
    (status?.availableReplicas ?? 0) === replicas &&
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

/** Counts and conditions while rolling out: done, getting on, or over the deadline. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): DeploymentStatus {
  const status = countStatus(deployment, all, newSet, nowMs);
  const conditions = withFailure(progressConditions(deployment, status, newSet, nowMs), all, newSet);
  return { ...status, conditions };
}

function progressConditions(
  deployment: Deployment,
  status: DeploymentStatus,
  newSet: ReplicaSet | undefined,
  nowMs: number,
): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  if (!hasProgressDeadline(deployment)) return withoutCondition(conditions, 'Progressing');
  const current = conditionOf(deployment.status, 'Progressing');
  // A rollout that ended stays ended: scaling it is no rollout.
  if (
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) &&
    current?.reason === 'NewReplicaSetAvailable'
  )
    return conditions;
  const subject = newSet
    ? `ReplicaSet "${newSet.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(conditions, progressing('True', 'NewReplicaSetAvailable', message, nowMs));
  }
  if (hasProgressed(deployment.status, status)) {
    // Every step moves lastUpdateTime, from which the deadline counts.
    const moved = progressing('True', 'ReplicaSetUpdated', `${subject} is progressing.`, nowMs);
    if (current?.status === 'True') moved.lastTransitionTime = current.lastTransitionTime;
    return [...withoutCondition(conditions, 'Progressing'), moved];
  }
  if (isTimedOut(deployment, current, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(conditions, progressing('False', 'ProgressDeadlineExceeded', message, nowMs));
  }
  return conditions;
}

function hasProgressed(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus | undefined) =>
    (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function isTimedOut(
  deployment: Deployment,
  current: DeploymentCondition | undefined,
  nowMs: number,
): boolean {
  if (!current || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return deadlineMs(deployment, current) < nowMs;
}

function deadlineMs({ spec }: Deployment, { lastUpdateTime }: DeploymentCondition): number {
  return Date.parse(lastUpdateTime ?? '') + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** A set that cannot create its pods says so on the Deployment; the new one's word goes first. */
function withFailure(
  conditions: DeploymentCondition[],
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): DeploymentCondition[] {
  for (const set of newSet ? [newSet, ...all] : all) {
    const failure = set.status?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
    if (failure) return withCondition(conditions, { ...failure, lastUpdateTime: failure.lastTransitionTime });
  }
  return withoutCondition(conditions, 'ReplicaFailure');
}

/** In how many ms the deadline is to be looked at again; undefined where there is none to wait for. */
export function progressCheckMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const current = conditionOf(status, 'Progressing');
  if (!hasProgressDeadline(deployment) || !current) return undefined;
  if (isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined;
  if (current.reason === 'NewReplicaSetAvailable') return undefined;
  // Times of the API have whole seconds: one more is sure to lie after the deadline.
  return Math.max(0, deadlineMs(deployment, current) - nowMs) + 1_000;
}

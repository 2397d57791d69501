import type { Deployment, ReplicaSet } from '../../../lib/api/gen/types.ts';
import { scaledValue } from '../common/int-or-string.ts';

export function desiredReplicas(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

export function setReplicas(set: ReplicaSet): number {
  return set.spec.replicas ?? 1;
}

/** What a status says of ready pods can be older than the spec; it never stands for more pods than the spec keeps. */
export function setAvailable(set: ReplicaSet): number {
  return Math.min(set.status?.availableReplicas ?? 0, setReplicas(set));
}

export function sumOf(sets: readonly ReplicaSet[], value: (set: ReplicaSet) => number): number {
  return sets.reduce((sum, set) => sum + value(set), 0);
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Surge rounds up, unavailable down; were both 0, nothing could ever move, so one pod may be unavailable. */
function fenceposts(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = desiredReplicas(deployment);
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, true);
  const unavailable = scaledValue(maxUnavailable, replicas, false);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function maxSurge(deployment: Deployment): number {
  return fenceposts(deployment).maxSurge;
}

export function maxUnavailable(deployment: Deployment): number {
  const replicas = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(fenceposts(deployment).maxUnavailable, replicas);
}

/** The pods that a set has or is to have: one that was made smaller keeps its room until its pods are on their way out. */
function occupied(set: ReplicaSet): number {
  return Math.max(setReplicas(set), set.status?.replicas ?? 0);
}

/** Whether its controller may still be at work on what was asked of it before. */
function isBehind({ metadata, status }: ReplicaSet): boolean {
  return (metadata.generation ?? 0) > (status?.observedGeneration ?? 0);
}

/**
 * How large the new ReplicaSet may be now: as large as wanted while all together stay within the surge. It does not
 * grow while an old one may still be making pods that it was asked for earlier.
 */
export function newSetReplicas(deployment: Deployment, old: readonly ReplicaSet[], current: number): number {
  const replicas = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return replicas;
  if (old.some(isBehind)) return current;
  const room = replicas + maxSurge(deployment) - sumOf(old, occupied) - current;
  return room <= 0 ? current : current + Math.min(room, replicas - current);
}

import type { Deployment, ReplicaSet } from '../../../lib/api/gen/types.ts';
import { desiredReplicas, maxSurge } from './strategy.ts';

/** Annotations that `kubectl rollout history` and `undo` read. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
/** How large the Deployment was to be when a set was last scaled: tells scaling apart from rolling out. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Upstream's bound on the history annotation; the oldest revisions give way. */
const maxHistoryChars = 2_000;

const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

type Annotations = Record<string, string>;

/** 0 where there is none or it is no number. */
export function numberIn(set: ReplicaSet, annotation: string): number {
  const value = set.metadata.annotations?.[annotation];
  return value !== undefined && /^-?\d+$/.test(value) ? Number(value) : 0;
}

/** A 64-bit number upstream, which is more than `number` holds exactly. 0 where there is none or it is no number. */
export function revisionOf(set: ReplicaSet): bigint {
  return revisionFrom(set.metadata.annotations);
}

export function maxRevision(sets: readonly ReplicaSet[]): bigint {
  return sets.map(revisionOf).reduce((max, revision) => (revision > max ? revision : max), 0n);
}

function revisionFrom(annotations: Annotations | undefined): bigint {
  const value = annotations?.[revisionAnnotation];
  return value !== undefined && /^-?\d+$/.test(value) ? BigInt(value) : 0n;
}

/** Whether the Deployment's size changed since one of these sets was last scaled. */
export function wasScaled(deployment: Deployment, active: readonly ReplicaSet[]): boolean {
  return active.some(
    (set) =>
      set.metadata.annotations?.[desiredReplicasAnnotation] !== undefined &&
      numberIn(set, desiredReplicasAnnotation) !== desiredReplicas(deployment),
  );
}

export function replicasAnnotations(deployment: Deployment): Annotations {
  const desired = desiredReplicas(deployment);
  return {
    [desiredReplicasAnnotation]: String(desired),
    [maxReplicasAnnotation]: String(desired + maxSurge(deployment)),
  };
}

/**
 * The annotations of the set that has the Deployment's template now: the Deployment's own, and a revision greater
 * than every older one. A set that comes back (a rollback) keeps the revisions that it had in its history.
 */
export function newSetAnnotations(
  deployment: Deployment,
  existing: Annotations | undefined,
  newRevision: bigint,
): Annotations {
  const annotations: Annotations = { ...existing };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(key)) annotations[key] = value;
  }
  const before = existing?.[revisionAnnotation];
  if (revisionFrom(existing) < newRevision) {
    annotations[revisionAnnotation] = String(newRevision);
    if (before !== undefined) {
      annotations[revisionHistoryAnnotation] = withHistory(existing?.[revisionHistoryAnnotation], before);
    }
  }
  return annotations;
}

function withHistory(history: string | undefined, revision: string): string {
  const revisions = [...(history ? history.split(',') : []), revision];
  while (revisions.length > 1 && revisions.join(',').length > maxHistoryChars) revisions.shift();
  return revisions.join(',');
}

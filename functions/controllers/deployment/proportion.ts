import type { Deployment, ReplicaSet } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { maxReplicasAnnotation, numberIn } from './revision.ts';
import { desiredReplicas, maxSurge, setReplicas, sumOf } from './strategy.ts';

/**
 * The sizes of the ReplicaSets of a Deployment that was scaled in the middle of a rollout (Deployment, "Proportional
 * scaling"): each gets its share of what is added or taken away, and the largest what rounding leaves over.
 */
export function proportionalSizes(
  deployment: Deployment,
  active: readonly Persisted<ReplicaSet>[],
): { set: Persisted<ReplicaSet>; size: number }[] {
  const replicas = desiredReplicas(deployment);
  const allowed = replicas > 0 ? replicas + maxSurge(deployment) : 0;
  const toAdd = allowed - sumOf(active, setReplicas);
  const ordered = [...active].sort((a, b) => setReplicas(b) - setReplicas(a) || byAge(a, b, toAdd < 0));
  let added = 0;
  const sizes = ordered.map((set) => {
    const share = shareOf(set, deployment, toAdd, added);
    added += share;
    return { set, size: setReplicas(set) + share };
  });
  const first = sizes[0];
  if (first && toAdd !== 0) first.size = Math.max(0, first.size + toAdd - added);
  return sizes;
}

/** When adding, the newer of two equal sets comes first; when taking away, the older. */
function byAge(a: Persisted<ReplicaSet>, b: Persisted<ReplicaSet>, olderFirst: boolean): number {
  const [x, y] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x === y) return (a.metadata.name < b.metadata.name ? -1 : 1) * (olderFirst ? 1 : -1);
  return (x < y ? -1 : 1) * (olderFirst ? 1 : -1);
}

function shareOf(set: ReplicaSet, deployment: Deployment, toAdd: number, added: number): number {
  if (setReplicas(set) === 0 || toAdd === 0 || toAdd === added) return 0;
  const fraction = fractionOf(set, deployment);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(set: ReplicaSet, deployment: Deployment): number {
  const size = setReplicas(set);
  if (desiredReplicas(deployment) === 0) return -size;
  // What the whole deployment could have been when this set was last scaled.
  const before = numberIn(set, maxReplicasAnnotation) || deployment.status?.replicas || 0;
  if (before === 0) return 0;
  const scaled = (size * (desiredReplicas(deployment) + maxSurge(deployment))) / before;
  return Math.round(scaled) - size;
}

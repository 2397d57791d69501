import type { Pod, StatefulSet, StatefulSetStatus } from '../../../lib/api/gen/types.ts';
import { orNone } from '../common/or-none.ts';
import { isPodAvailable, isPodReady } from '../common/pods.ts';
import { podRevision } from './identity.ts';

export interface StatusFacts {
  pods: readonly Pod[];
  currentRevision: string;
  updateRevision: string;
  collisionCount: number | undefined;
  /** Pods of the current revision that were taken away just now. */
  updatesBegun: number;
  nowMs: number;
}

export function statefulSetStatus(
  { metadata, spec, status }: StatefulSet,
  { pods, currentRevision, updateRevision, collisionCount, updatesBegun, nowMs }: StatusFacts,
): StatefulSetStatus {
  const created = pods.filter((pod) => pod.status?.phase);
  const living = created.filter(({ metadata: { deletionTimestamp } }) => deletionTimestamp === undefined);
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  const available = ready.filter((pod) => isPodAvailable(pod, spec.minReadySeconds ?? 0, nowMs));
  const ofRevision = (name: string) => living.filter((pod) => podRevision(pod) === name).length;
  const wanted = spec.replicas ?? 1;
  const updated = ofRevision(updateRevision);
  // All run what they should: what was new is what there is.
  const isComplete =
    spec.updateStrategy?.type === 'RollingUpdate' &&
    [updated, ready.length, created.length].every((count) => count === wanted);
  const currentReplicas = isComplete ? updated : Math.max(0, ofRevision(currentRevision) - updatesBegun);
  return {
    ...status,
    observedGeneration: metadata.generation,
    replicas: created.length,
    readyReplicas: orNone(ready.length),
    availableReplicas: available.length,
    currentReplicas: orNone(currentReplicas),
    updatedReplicas: orNone(updated),
    currentRevision: isComplete ? updateRevision : currentRevision,
    updateRevision,
    collisionCount: collisionCount ?? 0,
  };
}

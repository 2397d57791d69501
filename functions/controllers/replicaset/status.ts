import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../../lib/api/gen/types.ts';
import { matchesLabels, selectorFromLabels } from '../../../lib/api/selectors/index.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import { orNone } from '../common/or-none.ts';
import { isPodAvailable, isPodReady } from '../common/pods.ts';

export interface ReplicaSetPods {
  active: readonly Pod[];
  terminating: readonly Pod[];
}

/** `failure` is why pods could not be created or deleted; undefined takes an older ReplicaFailure condition away. */
export function replicaSetStatus(
  { metadata, spec, status }: ReplicaSet,
  { active, terminating }: ReplicaSetPods,
  failure: unknown,
  nowMs: number,
): ReplicaSetStatus {
  const labels = selectorFromLabels(spec.template?.metadata?.labels);
  const minReadySeconds = spec.minReadySeconds ?? 0;
  return {
    ...status,
    replicas: active.length,
    fullyLabeledReplicas: orNone(active.filter((pod) => matchesLabels(labels, pod.metadata.labels)).length),
    readyReplicas: orNone(active.filter(isPodReady).length),
    availableReplicas: orNone(active.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs)).length),
    terminatingReplicas: terminating.length,
    observedGeneration: metadata.generation,
    conditions: failureCondition(
      status?.conditions ?? [],
      failure,
      active.length - (spec.replicas ?? 1),
      nowMs,
    ),
  };
}

function failureCondition(
  conditions: ReplicaSetCondition[],
  failure: unknown,
  surplus: number,
  nowMs: number,
): ReplicaSetCondition[] {
  const before = conditions.find((condition) => condition.type === 'ReplicaFailure');
  if (failure === undefined) return conditions.filter((condition) => condition !== before);
  if (before || surplus === 0) return conditions;
  return [
    ...conditions,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: rfc3339(nowMs),
      reason: surplus < 0 ? 'FailedCreate' : 'FailedDelete',
      message: messageOf(failure),
    },
  ];
}

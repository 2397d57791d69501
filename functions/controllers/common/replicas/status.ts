import type { Pod, PodTemplateSpec, ReplicaSetCondition } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { matchesLabels, selectorFromLabels } from '../../../../lib/api/selectors/index.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { orNone } from '../or-none.ts';
import { isPodAvailable, isPodReady } from '../pods.ts';

/** What a ReplicaSet and a ReplicationController have in common. */
export interface ReplicaOwner extends KubeObject {
  spec: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicaCounts;
}

export interface ReplicaCounts {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  observedGeneration?: number;
  conditions?: ReplicaSetCondition[];
}

/** `failure` is why pods could not be created or deleted; undefined takes an older ReplicaFailure condition away. */
export function replicaStatus(
  { metadata, spec, status }: ReplicaOwner,
  active: readonly Pod[],
  failure: unknown,
  nowMs: number,
): ReplicaCounts {
  const labels = selectorFromLabels(spec.template?.metadata?.labels);
  const minReadySeconds = spec.minReadySeconds ?? 0;
  return {
    ...status,
    replicas: active.length,
    fullyLabeledReplicas: orNone(active.filter((pod) => matchesLabels(labels, pod.metadata.labels)).length),
    readyReplicas: orNone(active.filter(isPodReady).length),
    availableReplicas: orNone(active.filter((pod) => isPodAvailable(pod, minReadySeconds, nowMs)).length),
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

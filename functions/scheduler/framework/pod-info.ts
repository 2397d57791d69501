import type { Pod } from '../../../lib/api/gen/types.ts';
import { type HostPort, hostPortsOf } from '../../../lib/api/host-ports.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { affinityTermsOf, type PodAffinityTerms } from './affinity-terms.ts';
import { type PodRequests, podRequests } from '../../../lib/api/pod-resources.ts';

/** A pod with what every cycle asks of it, worked out once. Immutable but for the caches within. */
export interface PodInfo {
  readonly pod: Persisted<Pod>;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly requests: PodRequests;
  readonly hostPorts: readonly HostPort[];
  /** Undefined for a pod without any inter-pod affinity. */
  readonly affinity: PodAffinityTerms | undefined;
}

/** @throws KumulusError BadRequest for a selector or a quantity that validation would not have let in. */
export function podInfoOf(pod: Persisted<Pod>): PodInfo {
  return {
    pod,
    key: keyOf(pod),
    namespace: pod.metadata.namespace ?? '',
    labels: pod.metadata.labels ?? {},
    priority: pod.spec.priority ?? 0,
    requests: podRequests(pod),
    hostPorts: hostPortsOf(pod),
    affinity: affinityTermsOf(pod),
  };
}

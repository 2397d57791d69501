import type { Pod } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { affinityTermsOf, type PodAffinityTerms } from './affinity-terms.ts';
import { type PodRequests, podRequests } from '../../../lib/api/pod-resources.ts';

/** The address of a host port that names none; it meets any other. */
export const everyAddress = '0.0.0.0';

export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

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

function hostPortsOf(pod: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined;
  const sidecars = (pod.spec.initContainers ?? []).filter(
    (container) => container.restartPolicy === 'Always',
  );
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (!hostPort) continue;
      ports ??= [];
      ports.push({ ip: hostIP || everyAddress, protocol: protocol || 'TCP', port: hostPort });
    }
  }
  return ports ?? none;
}

const none: readonly HostPort[] = [];

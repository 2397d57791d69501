import type { Pod } from '../../lib/api/gen/types.ts';
import { amountOf, milliCpu } from './quantities.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/**
 * Quality of service (Pod Quality of Service Classes): Guaranteed when every container limits cpu and memory and
 * asks for exactly its limits, BestEffort when nobody asks for any of both, Burstable in between.
 */
export function qosClassOf(pod: Pod): QosClass {
  if (pod.status?.qosClass) return pod.status.qosClass as QosClass;
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const groups = pod.spec.resources
    ? [pod.spec.resources]
    : containers.map(({ resources }) => resources ?? {});
  let asked = false;
  let guaranteed = true;
  for (const { requests, limits } of groups) {
    for (const amount of [milliCpu, (r: Record<string, string> | undefined) => amountOf(r, 'memory')]) {
      const limit = amount(limits);
      const request = amount(requests) ?? limit;
      if (request || limit) asked = true;
      if (!limit || request !== limit) guaranteed = false;
    }
  }
  if (!asked) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

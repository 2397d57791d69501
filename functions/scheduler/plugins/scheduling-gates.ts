import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

/** Keeps a pod out of the queue while it has scheduling gates (KEP-3521). */
export function schedulingGates(): Plugin {
  return {
    name: 'SchedulingGates',
    events: [{ resource: 'Pod', actions: ['UpdatePodSchedulingGatesEliminated'] }],
    preEnqueue(pod) {
      const gates = pod.spec.schedulingGates ?? [];
      if (gates.length === 0) return undefined;
      return unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`);
    },
  };
}

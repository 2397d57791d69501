import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { refusal, writtenPod } from './common.ts';

const hostname = 'kubernetes.io/hostname';

/** No pod may keep others out of more than its own node. */
export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  types: ['pods'],
  validate(attributes) {
    const terms =
      writtenPod(attributes)?.spec.affinity?.podAntiAffinity
        ?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const wide = terms.find(({ topologyKey }) => topologyKey !== hostname);
    if (!wide) return Promise.resolve();
    const reason = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${wide.topologyKey} but only key ${hostname} is allowed`;
    return Promise.reject(refusal(attributes, reason));
  },
};

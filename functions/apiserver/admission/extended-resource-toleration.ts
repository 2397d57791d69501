import type { Toleration } from '../../../lib/api/gen/types.ts';
import { sameValue } from '../../../lib/api/validate/equal.ts';
import { isExtendedResource } from '../../../lib/api/validate/resources.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { writtenPod } from './common.ts';

/** Nodes with devices can be tainted with the devices' names: whoever asks for the devices tolerates that. */
export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  types: ['pods'],
  mutate(attributes) {
    const pod = writtenPod(attributes);
    if (pod) {
      const { spec } = pod;
      const names = [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
        Object.keys(resources?.requests ?? {}).filter(isExtendedResource),
      );
      const wanted = [...new Set(names)].sort().map(
        (key): Toleration => ({
          key,
          operator: 'Exists',
          effect: 'NoSchedule',
        }),
      );
      const present = spec.tolerations ?? [];
      const added = wanted.filter((one) => !present.some((other) => sameValue(one, other)));
      if (added.length > 0) spec.tolerations = [...present, ...added];
    }
    return Promise.resolve();
  },
};

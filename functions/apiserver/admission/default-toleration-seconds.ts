import type { Toleration } from '../../../lib/api/gen/types.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { writtenPod } from './common.ts';

const tolerationSeconds = 300;
const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

/** A pod stays five minutes on a node that fails, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  types: ['pods'],
  mutate(attributes) {
    const pod = writtenPod(attributes);
    if (pod) {
      const tolerations = pod.spec.tolerations ?? [];
      const added: Toleration[] = [notReady, unreachable]
        .filter((key) => !tolerations.some((one) => tolerates(one, key)))
        .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }));
      if (added.length > 0) pod.spec.tolerations = [...tolerations, ...added];
    }
    return Promise.resolve();
  },
};

function tolerates(toleration: Toleration, key: string): boolean {
  return (
    (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect)
  );
}

import type { Node } from '../../../lib/api/gen/types.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { writtenObject } from './common.ts';

const notReady = 'node.kubernetes.io/not-ready';

/** A node takes no pods before it has been seen to be ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  types: ['nodes'],
  mutate(attributes) {
    const node = writtenObject<Node>(attributes, 'nodes');
    if (node && attributes.operation === 'CREATE') {
      node.spec ??= {};
      const taints = node.spec.taints ?? [];
      if (!taints.some(({ key, effect }) => key === notReady && effect === 'NoSchedule')) {
        node.spec.taints = [...taints, { key: notReady, effect: 'NoSchedule' }];
      }
    }
    return Promise.resolve();
  },
};

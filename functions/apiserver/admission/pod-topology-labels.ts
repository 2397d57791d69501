import type { Binding, Node } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { lookUp, writtenPod } from './common.ts';

const topologyLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];

/** A pod has its node's zone and region as labels of its own, for the downward API (KEP-4742). */
export function podTopologyLabels(cache: WatchCache): AdmissionPlugin {
  const copy = async (object: KubeObject, nodeName: string): Promise<void> => {
    const node = await lookUp<Node>(cache, 'nodes', nodeName);
    // A pod may be bound to a node that is not there yet.
    const found = topologyLabels.flatMap((label) => {
      const value = node?.metadata.labels?.[label];
      return value === undefined ? [] : [[label, value]];
    });
    if (found.length > 0)
      object.metadata.labels = { ...object.metadata.labels, ...Object.fromEntries(found) };
  };

  return {
    name: 'PodTopologyLabels',
    types: ['pods'],
    async mutate(attributes) {
      const { entry, operation, subresource, object } = attributes;
      if (operation !== 'CREATE' || entry.storage !== 'pods' || !object) return;
      if (subresource === 'binding') {
        const { target } = object as unknown as Binding;
        if (target?.kind === 'Node' && target.name) await copy(object, target.name);
        return;
      }
      const pod = writtenPod(attributes);
      if (pod?.spec.nodeName) await copy(object, pod.spec.nodeName);
    },
  };
}

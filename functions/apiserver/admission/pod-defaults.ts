/** The small plugins that fill in what every pod and node gets (API reference, "Admission Controllers"). */
import type { Node, Pod, Toleration } from '../../../lib/api/gen/types.ts';
import { forbidden } from '../../../lib/api/status.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';

const tolerationSeconds = 300;
const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';
const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

function podOf({ entry, subresource, object }: AdmissionAttributes): Pod | undefined {
  return entry.storage === 'pods' && subresource === '' ? (object as unknown as Pod | undefined) : undefined;
}

/** A pod stays five minutes on a node that fails, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(attributes) {
    const pod = podOf(attributes);
    if (pod && (attributes.operation === 'CREATE' || attributes.operation === 'UPDATE')) {
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

/** A pod's priority, by the name of its class. */
export const priority: AdmissionPlugin = {
  name: 'Priority',
  mutate(attributes) {
    const pod = podOf(attributes);
    if (pod && attributes.operation === 'CREATE') {
      const { spec } = pod;
      const className = spec.priorityClassName;
      const value = className ? systemPriorities[className] : 0;
      const refuse = (reason: string) => {
        throw forbidden(attributes.entry.groupResource, pod.metadata.name ?? '', reason);
      };
      if (value === undefined) refuse(`no PriorityClass with name ${className} was found`);
      if (spec.priority !== undefined && spec.priority !== value) {
        refuse(
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      }
      spec.priority = value;
      spec.preemptionPolicy ??= 'PreemptLowerPriority';
    }
    return Promise.resolve();
  },
};

/** A node takes no pods before it has been seen to be ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate({ operation, entry, subresource, object }) {
    if (entry.storage === 'nodes' && subresource === '' && operation === 'CREATE' && object) {
      const node = object as unknown as Node;
      node.spec ??= {};
      const taints = node.spec.taints ?? [];
      if (!taints.some(({ key, effect }) => key === notReady && effect === 'NoSchedule')) {
        node.spec.taints = [...taints, { key: notReady, effect: 'NoSchedule' }];
      }
    }
    return Promise.resolve();
  },
};

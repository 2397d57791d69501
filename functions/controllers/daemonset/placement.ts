/** Which nodes a DaemonSet's pods belong to, and how a pod says to which (DaemonSet, "How Daemon Pods are scheduled"). */
import type {
  DaemonSet,
  Node,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Toleration,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { requiredNodeAffinity } from '../../../lib/api/scheduling/node-selector.ts';
import { keepsPodsAway, untoleratedTaint } from '../../../lib/api/scheduling/tolerations.ts';
import { revisionLabel } from '../common/history/index.ts';

const templateGenerationAnnotation = 'deprecated.daemonset.template.generation';
const templateGenerationLabel = 'pod-template-generation';
const nodeNameField = 'metadata.name';

/** A node's own troubles do not drive daemons away: they are there to mend them. */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const networkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

export interface Placement {
  /** A pod is to be made there where there is none. */
  shouldRun: boolean;
  /** A pod that is there may stay. */
  mayStay: boolean;
}

export function placementOn({ metadata, spec: nodeSpec }: Persisted<Node>, { spec }: DaemonSet): Placement {
  const nowhere = { shouldRun: false, mayStay: false };
  const podSpec = spec.template.spec;
  const { name, labels = {} } = metadata;
  if (podSpec.nodeName && podSpec.nodeName !== name) return nowhere;
  const matches = requiredNodeAffinity({ metadata: {}, spec: podSpec });
  if (matches && !matches({ name, labels })) return nowhere;
  const taints = nodeSpec?.taints ?? [];
  const tolerations = tolerationsOf(podSpec);
  if (!untoleratedTaint(taints, tolerations, keepsPodsAway)) return { shouldRun: true, mayStay: true };
  const drivesAway = untoleratedTaint(taints, tolerations, ({ effect }) => effect === 'NoExecute');
  return { shouldRun: false, mayStay: drivesAway === undefined };
}

function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const added = hostNetwork ? [...daemonTolerations, networkToleration] : [...daemonTolerations];
  const isAdded = (one: Toleration) =>
    added.some(
      ({ key, effect, operator }) =>
        one.key === key && one.effect === effect && one.operator === operator && !one.value,
    );
  // One that the template has already is replaced, so that it has no limit in time.
  return [...tolerations.filter((one) => !isAdded(one)), ...added];
}

/** The node that the pod runs on, or the one that it is bound for. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms
    .flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator, values }) => key === nodeNameField && operator === 'In' && values?.length === 1)
    ?.values?.[0];
}

/** The template of a pod for this node; the scheduler binds it there as it does all others. */
export function templateFor(set: DaemonSet, hash: string, nodeName: string): PodTemplateSpec {
  const { metadata, spec } = set.spec.template;
  const generation = set.metadata.annotations?.[templateGenerationAnnotation];
  const labels = {
    ...metadata?.labels,
    ...(generation !== undefined && { [templateGenerationLabel]: generation }),
    [revisionLabel]: hash,
  };
  const nodeSelectorTerms = [{ matchFields: [{ key: nodeNameField, operator: 'In', values: [nodeName] }] }];
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  };
  return {
    metadata: { ...metadata, labels },
    spec: { ...spec, tolerations: tolerationsOf(spec), affinity: { ...spec.affinity, nodeAffinity } },
  };
}

/** Whether the pod is of the newest template. */
export function isUpdated({ metadata }: Pod, set: DaemonSet, hash: string): boolean {
  if (metadata.labels?.[revisionLabel] === hash) return true;
  const generation = set.metadata.annotations?.[templateGenerationAnnotation];
  return generation !== undefined && metadata.labels?.[templateGenerationLabel] === generation;
}

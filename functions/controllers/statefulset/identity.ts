/** Who a StatefulSet's pods are: names, labels and volumes follow from the ordinal (StatefulSet, "Pod Identity"). */
import type {
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  PodTemplateSpec,
  StatefulSet,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { statefulSets } from '../../../lib/client/resources.ts';
import { revisionLabel } from '../common/history/index.ts';
import { controllerReference } from '../common/owners.ts';
import { podFromTemplate } from '../common/pod-control.ts';

const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

/** The pod's ordinal in its set, or undefined when it is named after another one. */
export function ordinalOf({ metadata }: Pod, setName: string): number | undefined {
  const match = /^(.*)-([0-9]+)$/.exec(metadata.name ?? '');
  if (!match || match[1] !== setName) return undefined;
  const ordinal = Number(match[2]);
  return ordinal <= 2 ** 31 - 1 && `${ordinal}` === match[2] ? ordinal : undefined;
}

export function startOrdinal({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0;
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const start = startOrdinal(set);
  return ordinal >= start && ordinal < start + (set.spec.replicas ?? 1);
}

export function podRevision({ metadata }: Pod): string | undefined {
  return metadata.labels?.[revisionLabel];
}

/** A pod to be created: of this template, which is that of the revision. */
export function newPod(
  set: Persisted<StatefulSet>,
  template: PodTemplateSpec,
  revisionName: string,
  ordinal: number,
): Pod {
  const pod = podFromTemplate(template, set, controllerReference(statefulSets, set));
  const { generateName: _, ...metadata } = pod.metadata;
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = { ...metadata.labels, ...identityLabels(name, ordinal), [revisionLabel]: revisionName };
  const spec = {
    ...pod.spec,
    hostname: name,
    ...(set.spec.serviceName && { subdomain: set.spec.serviceName }),
  };
  return { metadata: { ...metadata, name, labels }, spec: withClaims(set, spec, ordinal) };
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
}

export function hasIdentity(pod: Persisted<Pod>): boolean {
  return pod.metadata.labels?.[podNameLabel] === pod.metadata.name;
}

/** The pod with the labels and the volumes that are its own. */
export function withIdentity(set: StatefulSet, pod: Persisted<Pod>, ordinal: number): Persisted<Pod> {
  const labels = { ...pod.metadata.labels, ...identityLabels(pod.metadata.name, ordinal) };
  const spec = hasStorage(set, pod, ordinal) ? pod.spec : withClaims(set, pod.spec, ordinal);
  return { ...pod, metadata: { ...pod.metadata, labels }, spec };
}

export function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name ?? ''}-${set.metadata.name ?? ''}-${ordinal}`;
}

/** The claims of the pod with this ordinal, as they are created. */
export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      ...template.metadata,
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
    spec: structuredClone(template.spec),
  }));
}

/** Whether the pod's volumes are its claims. */
export function hasStorage(set: StatefulSet, { spec }: Pod, ordinal: number): boolean {
  return (set.spec.volumeClaimTemplates ?? []).every((template) => {
    const volume = spec.volumes?.find(({ name }) => name === template.metadata.name);
    return volume?.persistentVolumeClaim?.claimName === claimName(set, template, ordinal);
  });
}

/** A volume of the template that is called like a claim gives way to the claim. */
function withClaims(set: StatefulSet, spec: PodSpec, ordinal: number): PodSpec {
  const templates = set.spec.volumeClaimTemplates ?? [];
  if (templates.length === 0) return spec;
  const names = new Set(templates.map(({ metadata }) => metadata.name));
  const volumes = [
    ...templates.map((template) => ({
      name: template.metadata.name ?? '',
      persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
    })),
    ...(spec.volumes ?? []).filter(({ name }) => !names.has(name)),
  ];
  return { ...spec, volumes };
}

import type { Pod, Service } from '../../../lib/api/gen/types.ts';
import { joinKey, type Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, selectorFromLabels } from '../../../lib/api/selectors/index.ts';
import type { Lister, ObjectChange } from '../../../lib/client/lister.ts';
import { semanticEqual } from './equal.ts';
import { isPodTerminal } from './pods.ts';

/** Whether endpoints of this Service are made from pods: it has a selector and names no host elsewhere. */
export function selectsPods({ spec }: Service): boolean {
  return spec !== undefined && spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

export function podsOf(service: Persisted<Service>, pods: Lister<Pod>): Persisted<Pod>[] {
  const selector = selectorFromLabels(service.spec?.selector);
  return pods.list(service.metadata.namespace).filter((pod) => matchesLabels(selector, pod.metadata.labels));
}

/** The Services whose endpoints a change of a pod concerns: none, where it changed in nothing that they show. */
export function servicesConcerned(change: ObjectChange<Pod>, services: Lister<Service>): string[] {
  const { before, after } = change;
  if (before && after && before !== after && semanticEqual(shown(before), shown(after))) return [];
  const pods = [before, after].filter((pod) => pod !== undefined);
  return services
    .list(pods[0]?.metadata.namespace)
    .filter((service) => selectsPods(service))
    .filter((service) => {
      const selector = selectorFromLabels(service.spec?.selector);
      return pods.some((pod) => matchesLabels(selector, pod.metadata.labels));
    })
    .map(({ metadata }) => joinKey(metadata.namespace, metadata.name));
}

function shown({ metadata, spec, status }: Pod): unknown {
  return {
    labels: metadata.labels,
    deleted: metadata.deletionTimestamp,
    uid: metadata.uid,
    nodeName: spec.nodeName,
    hostname: spec.hostname,
    subdomain: spec.subdomain,
    phase: status?.phase,
    ips: status?.podIPs,
    ip: status?.podIP,
    ready: status?.conditions?.find((condition) => condition.type === 'Ready'),
  };
}

export function isEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false;
  if (!pod.status?.podIP && !pod.status?.podIPs?.length) return false;
  return includeTerminating || !pod.metadata.deletionTimestamp;
}

/** The port that a Service port leads to on this pod; undefined when it names none of the pod's. */
export function targetPort(
  {
    targetPort: target,
    port,
    protocol = 'TCP',
  }: { targetPort?: number | string; port: number; protocol?: string },
  { spec }: Pod,
): number | undefined {
  if (target === undefined || target === '' || target === 0) return port;
  if (typeof target === 'number') return target;
  const sidecars = spec.initContainers?.filter((container) => container.restartPolicy === 'Always') ?? [];
  return [...spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .find((candidate) => candidate.name === target && (candidate.protocol ?? 'TCP') === protocol)
    ?.containerPort;
}

/** A hostname is part of an endpoint where it makes a DNS name: the pod's subdomain is the Service. */
export function hostnameIn(service: Service, { spec, metadata }: Pod): string | undefined {
  const its = spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace;
  return its && spec.hostname ? spec.hostname : undefined;
}

/** On what stands for the endpoints of a headless Service. */
export const headlessLabel = 'service.kubernetes.io/headless';

export function isHeadless({ spec }: Service): boolean {
  return spec?.clusterIP === 'None';
}

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * When what endpoints show first changed after they were last written: the earliest of the Service's creation and its
 * pods' turns to or from ready that is later than `previous`. Undefined where nothing is.
 */
export function triggerTime(
  service: Persisted<Service>,
  pods: readonly Pod[],
  previous: string | undefined,
): string | undefined {
  const turns = pods.map(
    (pod) => pod.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastTransitionTime,
  );
  const later = [service.metadata.creationTimestamp, ...turns].filter(
    (time): time is string => time !== undefined && (previous === undefined || time > previous),
  );
  return later.sort()[0];
}

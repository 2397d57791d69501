import type {
  CoreV1EndpointPort,
  EndpointAddress,
  EndpointSubset,
  Pod,
  Service,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { isPodReady } from '../common/pods.ts';
import { hostnameIn, isHeadless, targetPort } from '../common/service-pods.ts';

/** The most addresses of one Endpoints object; what is more is left out, and an annotation says so. */
export const maxAddresses = 1_000;

/** The canonical subsets of a Service's pods: addresses with the same ports together, everything sorted. */
export function subsetsOf(
  service: Service,
  pods: readonly Persisted<Pod>[],
): { subsets: EndpointSubset[]; truncated: boolean } {
  const entries = pods.flatMap((pod) => {
    const address = addressOf(service, pod);
    if (!address) return [];
    const ready = Boolean(service.spec?.publishNotReadyAddresses) || isPodReady(pod);
    return [{ address, ready, ports: portsOf(service, pod) }];
  });
  const possible = entries.filter((entry) => entry.ports !== undefined);
  const ready = possible.filter((entry) => entry.ready);
  const kept =
    possible.length <= maxAddresses
      ? possible
      : [...ready, ...possible.filter((e) => !e.ready)].slice(0, maxAddresses);
  const groups = Map.groupBy(kept, ({ ports }) => JSON.stringify(ports));
  const subsets = [...groups.values()].map((group): EndpointSubset => {
    const of = (state: boolean) =>
      group
        .filter((entry) => entry.ready === state)
        .map((entry) => entry.address)
        .sort(byAddress);
    const [addresses, notReadyAddresses, ports] = [of(true), of(false), group[0]?.ports ?? []];
    return {
      ...(addresses.length > 0 && { addresses }),
      ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
      ...(ports.length > 0 && { ports }),
    };
  });
  subsets.sort((a, b) => (JSON.stringify(a.ports ?? []) < JSON.stringify(b.ports ?? []) ? -1 : 1));
  return { subsets, truncated: kept.length < possible.length };
}

function addressOf(service: Service, pod: Persisted<Pod>): EndpointAddress | undefined {
  const wantsV6 =
    (service.spec?.ipFamilies?.[0] ?? (service.spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4')) === 'IPv6';
  const ip = (pod.status?.podIPs?.map((entry) => entry.ip) ?? [pod.status?.podIP ?? '']).find(
    (candidate) => candidate !== '' && candidate.includes(':') === wantsV6,
  );
  if (!ip) return undefined;
  const hostname = hostnameIn(service, pod);
  const { namespace, name, uid } = pod.metadata;
  return {
    ...(hostname && { hostname }),
    ip,
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

/** Undefined when the pod has none of the Service's ports: then it is no endpoint. */
function portsOf(service: Service, pod: Pod): CoreV1EndpointPort[] | undefined {
  const ports = service.spec?.ports ?? [];
  if (ports.length === 0) return isHeadless(service) ? [] : undefined;
  const found = ports.flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { name, protocol = 'TCP', appProtocol } = port;
    return [{ ...(appProtocol && { appProtocol }), ...(name && { name }), port: number, protocol }];
  });
  if (found.length === 0) return undefined;
  return found.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function byAddress(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return a.ip < b.ip ? -1 : 1;
  return (a.targetRef?.uid ?? '') < (b.targetRef?.uid ?? '') ? -1 : 1;
}

import type { DiscoveryV1EndpointPort, Endpoint, Node, Pod, Service } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { isPodReady } from '../common/pods.ts';
import { hostnameIn, isHeadless, targetPort } from '../common/service-pods.ts';

export type AddressType = 'IPv4' | 'IPv6';

export function addressTypesOf({ spec }: Service): AddressType[] {
  const families = spec?.ipFamilies ?? [];
  if (families.length > 0) return families.filter((family) => family === 'IPv4' || family === 'IPv6');
  return spec?.clusterIP?.includes(':') ? ['IPv6'] : ['IPv4'];
}

/** What the endpoint of this pod is, of addresses of one family; undefined when it has none. */
export function endpointOf(
  service: Service,
  pod: Persisted<Pod>,
  node: Node | undefined,
  addressType: AddressType,
): Endpoint | undefined {
  const addresses = (pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP ?? '']).filter(
    (ip) => ip !== '' && ip.includes(':') === (addressType === 'IPv6'),
  );
  if (addresses.length === 0) return undefined;
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { namespace, name, uid } = pod.metadata;
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const hostname = hostnameIn(service, pod);
  return {
    addresses,
    conditions: {
      ready: Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone && { zone }),
  };
}

/** The ports of a Service as they are on this pod. Pods may differ: a name can stand for different numbers. */
export function endpointPortsOf(service: Service, pod: Pod): DiscoveryV1EndpointPort[] {
  if (isHeadless(service) && !service.spec?.ports?.length) return [];
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ ...(appProtocol && { appProtocol }), name, port: number, protocol }];
  });
}

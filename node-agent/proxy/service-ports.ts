import type { EndpointSlice, Service, ServicePort as ApiServicePort } from '../../lib/api/gen/types.ts';
import { ofFamily } from './addresses.ts';
import type { NftFamily } from './nft/ruleset.ts';
import type { ProxyEndpoint, ServicePort } from './types.ts';

/** Names go into the ruleset's text, so that nothing but DNS labels may pass, whatever the server holds. */
const label = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/**
 * The ports of a Service that the proxy serves for one address family: none for headless Services, ExternalName, and
 * those that another proxy is responsible for (`service.kubernetes.io/service-proxy-name`).
 */
export function servicePorts(service: Service, family: NftFamily): ServicePort[] {
  const { metadata, spec } = service;
  if (
    spec.type === 'ExternalName' ||
    metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined
  )
    return [];
  const clusterIps = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
  const clusterIp = ofFamily(clusterIps, family)[0];
  const { namespace = '', name = '' } = metadata;
  if (clusterIp === undefined || !label.test(namespace) || !label.test(name)) return [];
  const loadBalancer = (service.status?.loadBalancer?.ingress ?? [])
    .filter((ingress) => (ingress.ipMode ?? 'VIP') === 'VIP')
    .flatMap((ingress) => ingress.ip ?? []);
  const common = {
    namespace,
    name,
    clusterIp,
    externalIps: ofFamily(spec.externalIPs, family),
    loadBalancerIps: ofFamily(loadBalancer, family),
    sourceRanges: sourceRanges(service),
    affinityTimeoutSeconds:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
        : undefined,
    internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
    externalPolicyLocal: spec.externalTrafficPolicy === 'Local',
  };
  return (spec.ports ?? []).flatMap((port) => {
    const protocol = protocolOf(port);
    if (!protocol || (port.name && !label.test(port.name))) return [];
    return { ...common, portName: port.name ?? '', protocol, port: port.port, nodePort: port.nodePort ?? 0 };
  });
}

/** Where one port's traffic can go, by all slices of its Service, sorted; the same address and port only once. */
export function endpointsOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  family: NftFamily,
  nodeName: string,
): ProxyEndpoint[] {
  const found = new Map<string, ProxyEndpoint>();
  const addressType = family === 'ip' ? 'IPv4' : 'IPv6';
  for (const slice of slices) {
    if (slice.addressType !== addressType) continue;
    const target = slice.ports?.find(
      (candidate) => (candidate.name ?? '') === port.portName && protocolOf(candidate) === port.protocol,
    );
    if (!target?.port) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const ip = ofFamily(endpoint.addresses.slice(0, 1), family)[0];
      if (ip === undefined) continue;
      const key = `${ip} ${target.port}`;
      const candidate: ProxyEndpoint = {
        ip,
        port: target.port,
        ready: endpoint.conditions?.ready ?? true,
        serving: endpoint.conditions?.serving ?? true,
        terminating: endpoint.conditions?.terminating ?? false,
        isLocal: endpoint.nodeName === nodeName,
        forZones: endpoint.hints?.forZones?.map((zone) => zone.name) ?? [],
        forNodes: endpoint.hints?.forNodes?.map((node) => node.name) ?? [],
      };
      // While an endpoint moves from one slice to another it is in both; the better state counts.
      const known = found.get(key);
      if (!known || rank(candidate) > rank(known)) found.set(key, candidate);
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/** The Service's own ranges, or the annotation that came before the field. */
function sourceRanges(service: Service): string[] {
  if (service.spec.type !== 'LoadBalancer') return [];
  if (service.spec.loadBalancerSourceRanges?.length) return service.spec.loadBalancerSourceRanges;
  const annotation = service.metadata.annotations?.['service.beta.kubernetes.io/load-balancer-source-ranges'];
  return annotation?.trim() ? annotation.split(',') : [];
}

function protocolOf(port: Pick<ApiServicePort, 'protocol'>): ServicePort['protocol'] | undefined {
  const protocol = (port.protocol ?? 'TCP').toLowerCase();
  return protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp' ? protocol : undefined;
}

function rank(endpoint: ProxyEndpoint): number {
  return (endpoint.ready ? 2 : 0) + (endpoint.serving ? 1 : 0);
}

/**
 * The cluster's own zone, by the Kubernetes DNS specification 1.1.0 (kubernetes/dns, docs/specification.md), and as CoreDNS's
 * `kubernetes` plugin words what the specification leaves open.
 */
import type { Answer, RecordType } from 'dns-packet';
import { isIPv4, isIPv6 } from 'node:net';
import type { Service } from '../../lib/api/gen/types.ts';
import { type ClusterView, type EndpointRecord, isHeadless } from './cluster-view.ts';

/** The zone's answer to one question. An empty `answers` with `exists` is NODATA; without it NXDOMAIN. */
export interface ZoneAnswer {
  exists: boolean;
  answers: Answer[];
  additionals: Answer[];
  /** A name outside of the zone that the answers point to, to be resolved as well. */
  alias?: string;
}

/** What CoreDNS is given by kubeadm. */
export const ttlSeconds = 30;
const negativeTtlSeconds = 5;
const specificationVersion = '1.1.0';

const nothing: ZoneAnswer = { exists: false, answers: [], additionals: [] };
const noData: ZoneAnswer = { exists: true, answers: [], additionals: [] };

export interface ZoneOptions {
  /** `cluster.local`, without a dot at its end. */
  domain: string;
  /** The addresses of the DNS service itself. */
  addresses: readonly string[];
  view: ClusterView;
}

export interface Zone {
  contains(name: string): boolean;
  answer(name: string, type: RecordType): ZoneAnswer;
  /** Undefined where the address is none of the cluster's. */
  reverse(name: string): ZoneAnswer | undefined;
  soa(): Answer;
}

/** Names are given and compared in lower case. */
export function createZone({ domain, addresses, view }: ZoneOptions): Zone {
  const suffix = `.${domain}`;

  function answer(name: string, type: RecordType): ZoneAnswer {
    if (name === domain) return apex(type);
    const labels = name.slice(0, -suffix.length).split('.').toReversed();
    const [root, ...rest] = labels;
    switch (root) {
      case 'svc':
        return ofServices(rest, type);
      case 'pod':
        return ofPods(rest, type, name);
      case 'dns-version':
        if (rest.length > 0) return nothing;
        return type === 'TXT' ? found([{ ...record(name), type, data: specificationVersion }]) : noData;
      case 'dns':
        if (rest.length === 0) return noData;
        return rest.length === 1 && rest[0] === 'ns' ? found(addressRecords(name, addresses, type)) : nothing;
      default:
        return nothing;
    }
  }

  function apex(type: RecordType): ZoneAnswer {
    if (type === 'SOA') return found([soa()]);
    if (type === 'NS') return found([{ ...record(domain), type, data: `ns.dns.${domain}` }]);
    return noData;
  }

  /** `labels` from the right: namespace, service, then endpoint, or protocol and port. */
  function ofServices([namespace, name, ...rest]: string[], type: RecordType): ZoneAnswer {
    if (namespace === undefined) return noData;
    if (name === undefined) return view.hasNamespace(namespace) ? noData : nothing;
    const service = view.service(namespace, name);
    if (!service) return nothing;
    const base = `${name}.${namespace}.svc.${domain}`;
    const [first, second, ...more] = rest;
    if (first === undefined) return ofService(service, base, type);
    if (more.length > 0) return nothing;
    if (first.startsWith('_')) return ofPort(service, base, first.slice(1), second, type);
    if (second !== undefined || !isHeadless(service)) return nothing;
    const endpoints = view.endpoints(service).filter(({ label }) => label === first);
    if (endpoints.length === 0) return nothing;
    if (type === 'SRV') return services(service, base, endpoints, () => true);
    return found(
      addressRecords(
        `${first}.${base}`,
        endpoints.map(({ address }) => address),
        type,
      ),
    );
  }

  function ofService(service: Service, base: string, type: RecordType): ZoneAnswer {
    if (service.spec.type === 'ExternalName') {
      const target = service.spec.externalName?.replace(/\.$/, '') ?? '';
      if (type !== 'A' && type !== 'AAAA' && type !== 'CNAME') return noData;
      return { ...found([{ ...record(base), type: 'CNAME', data: target }]), alias: target };
    }
    const endpoints = isHeadless(service) ? view.endpoints(service) : undefined;
    // A headless Service without endpoints has no name at all, so that clients wait instead of caching nothing.
    if (endpoints?.length === 0) return nothing;
    if (type === 'SRV') return services(service, base, endpoints, () => true);
    const own = endpoints?.map(({ address }) => address) ?? service.spec.clusterIPs ?? [];
    return found(addressRecords(base, own, type));
  }

  /** `_port._protocol.service`: `protocol` is the label nearer to the service. */
  function ofPort(
    service: Service,
    base: string,
    protocol: string,
    portLabel: string | undefined,
    type: RecordType,
  ): ZoneAnswer {
    const isProtocol = (value: string | undefined) => (value ?? 'TCP').toLowerCase() === protocol;
    const ports = service.spec.ports ?? [];
    if (portLabel === undefined) return ports.some((port) => isProtocol(port.protocol)) ? noData : nothing;
    const name = portLabel.replace(/^_/, '');
    if (
      !portLabel.startsWith('_') ||
      !ports.some((port) => port.name === name && isProtocol(port.protocol))
    ) {
      return nothing;
    }
    if (type !== 'SRV') return noData;
    const endpoints = isHeadless(service) ? view.endpoints(service) : undefined;
    const answer = services(
      service,
      base,
      endpoints,
      (port) => port.name === name && isProtocol(port.protocol),
    );
    const owner = `${portLabel}._${protocol}.${base}`;
    return { ...answer, answers: answer.answers.map((each) => ({ ...each, name: owner })) };
  }

  /** SRV records of the ports that are wanted, with the addresses of their targets beside them. */
  function services(
    service: Service,
    base: string,
    endpoints: EndpointRecord[] | undefined,
    wanted: (port: { name?: string; protocol?: string }) => boolean,
  ): ZoneAnswer {
    const targets = endpoints
      ? endpoints.map(({ label, address, slice }) => ({
          target: `${label}.${base}`,
          addresses: [address],
          ports: slice.ports ?? [],
        }))
      : [{ target: base, addresses: service.spec.clusterIPs ?? [], ports: service.spec.ports ?? [] }];
    const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
    const answers: Answer[] = targets.flatMap(({ target, ports }) =>
      ports
        .filter((port) => port.port !== undefined && wanted(port))
        .map((port) => ({
          ...record(base),
          type: 'SRV' as const,
          data: { priority: 0, weight, port: port.port ?? 0, target },
        })),
    );
    const additionals = targets.flatMap((each) => [
      ...addressRecords(each.target, each.addresses, 'A'),
      ...addressRecords(each.target, each.addresses, 'AAAA'),
    ]);
    return { exists: true, answers, additionals };
  }

  /** `10-244-0-7.namespace.pod`: the name says its own address, as CoreDNS's `pods insecure` answers. */
  function ofPods([namespace, label, ...rest]: string[], type: RecordType, name: string): ZoneAnswer {
    if (namespace === undefined) return noData;
    if (!view.hasNamespace(namespace)) return nothing;
    if (label === undefined) return noData;
    if (rest.length > 0) return nothing;
    const dotted = label.replaceAll('-', '.');
    const address = isIPv4(dotted) ? dotted : label.replaceAll('-', ':');
    if (!isIPv4(address) && !isIPv6(address)) return nothing;
    return found(addressRecords(name, [address], type));
  }

  function reverse(name: string): ZoneAnswer | undefined {
    const address = addressOfReverseName(name);
    const owners = address ? view.byAddress(address) : [];
    if (owners.length === 0) return undefined;
    return found(
      owners.map(({ service, endpoint }) => {
        const base = `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
        return { ...record(name), type: 'PTR', data: endpoint ? `${endpoint.label}.${base}` : base };
      }),
    );
  }

  function soa(): Answer {
    return {
      name: domain,
      type: 'SOA',
      ttl: negativeTtlSeconds,
      data: {
        mname: `ns.dns.${domain}`,
        rname: `hostmaster.${domain}`,
        serial: 1,
        refresh: 7200,
        retry: 1800,
        expire: 86400,
        minimum: negativeTtlSeconds,
      },
    };
  }

  return { contains: (name) => name === domain || name.endsWith(suffix), answer, reverse, soa };
}

function record(name: string) {
  return { name, ttl: ttlSeconds };
}

function found(answers: Answer[]): ZoneAnswer {
  return { exists: true, answers, additionals: [] };
}

function addressRecords(name: string, addresses: readonly string[], type: RecordType): Answer[] {
  const isWanted = type === 'A' ? isIPv4 : type === 'AAAA' ? isIPv6 : () => false;
  return addresses
    .filter(isWanted)
    .map((data) => ({ ...record(name), type: type === 'A' ? 'A' : 'AAAA', data }));
}

/** `7.0.244.10.in-addr.arpa` is 10.244.0.7; the same for `ip6.arpa` (RFC 3596, 2.5). */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').toReversed().join('.');
    return isIPv4(address) ? address : undefined;
  }
  if (!name.endsWith('.ip6.arpa')) return undefined;
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.').toReversed().join('');
  if (!/^[0-9a-f]{32}$/.test(nibbles)) return undefined;
  // The URL parser writes the shortest form, the one that the API uses (RFC 5952).
  return new URL(`http://[${nibbles.replaceAll(/(.{4})(?!$)/g, '$1:')}]`).hostname.slice(1, -1);
}

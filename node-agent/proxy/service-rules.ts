import { anyContains, disjointCidrs } from './addresses.ts';
import {
  clusterIps,
  firewallIps,
  markForMasquerade,
  noEndpointNodePorts,
  noEndpointServices,
  rejectChain,
  serviceIps,
  serviceNodePorts,
} from './base-rules.ts';
import { categorize, isExternal } from './endpoints.ts';
import { endpointName, servicePortName } from './names.ts';
import type { Chain, NftFamily, NftSet } from './nft/ruleset.ts';
import type { NodeContext, ProxyEndpoint, ServicePort } from './types.ts';

/** What one port of a Service adds to the table. */
export interface Fragment {
  chains: [string, Chain][];
  /** Sets of its own. */
  sets: [string, NftSet][];
  /** Elements of the common sets and maps: set, key, value. */
  elements: [string, string, string][];
  /** UDP only: where its flows can have been tracked to. */
  udp?: UdpFlows;
}

/** The addresses of a UDP port and the endpoints they lead to: flows to any other endpoint are stale. */
export interface UdpFlows {
  addresses: readonly string[];
  port: number;
  nodePort: number;
  endpointIps: readonly string[];
}

/** The rules for one port and the endpoints it has, as kube-proxy's nftables mode lays them out. */
export function servicePortRules(
  family: NftFamily,
  port: ServicePort,
  endpoints: readonly ProxyEndpoint[],
  node: NodeContext,
): Fragment {
  const { cluster, local, reachable, any } = categorize(port, endpoints, node);
  const base = servicePortName(port);
  const names = {
    cluster: `service-${base}`,
    local: `local-${base}`,
    external: `external-${base}`,
    firewall: `firewall-${base}`,
  };
  const internal = port.internalPolicyLocal ? local : cluster;
  const external = port.externalPolicyLocal ? local : cluster;
  const internalChain = port.internalPolicyLocal ? names.local : names.cluster;
  const fragment: Fragment = { chains: [], sets: [], elements: [] };
  const noInternal = any ? 'drop' : `goto ${rejectChain}`;
  const { protocol } = port;

  fragment.elements.push([clusterIps, port.clusterIp, '']);
  const clusterKey = `${port.clusterIp} . ${protocol} . ${port.port}`;
  if (internal.length > 0) fragment.elements.push([serviceIps, clusterKey, `goto ${internalChain}`]);
  else fragment.elements.push([noEndpointServices, clusterKey, noInternal]);

  const externalIps = new Set([...port.externalIps, ...port.loadBalancerIps]);
  for (const ip of externalIps) {
    const key = `${ip} . ${protocol} . ${port.port}`;
    if (any) fragment.elements.push([serviceIps, key, `goto ${names.external}`]);
    if (external.length === 0) fragment.elements.push([noEndpointServices, key, noInternal]);
  }
  if (port.nodePort !== 0) {
    const key = `${protocol} . ${port.nodePort}`;
    if (any) fragment.elements.push([serviceNodePorts, key, `goto ${names.external}`]);
    if (external.length === 0) fragment.elements.push([noEndpointNodePorts, key, noInternal]);
  }
  if (port.loadBalancerIps.length > 0 && port.sourceRanges.length > 0) {
    addFirewall(fragment, family, port, node, names.firewall);
  }

  if (cluster.length > 0) {
    const own = port.internalPolicyLocal ? [] : fromOutside(family, port, node);
    fragment.chains.push([names.cluster, { rules: [...own, ...balance(family, port, cluster)] }]);
  }
  if (local.length > 0) {
    const own = port.internalPolicyLocal ? fromOutside(family, port, node) : [];
    fragment.chains.push([names.local, { rules: [...own, ...balance(family, port, local)] }]);
  }
  if (any && isExternal(port)) {
    fragment.chains.push([
      names.external,
      { rules: externalRules(family, port, node, names, { cluster, external }) },
    ]);
  }
  for (const endpoint of reachable) addEndpoint(fragment, family, port, endpoint);
  if (protocol === 'udp') {
    fragment.udp = {
      addresses: [port.clusterIp, ...externalIps],
      port: port.port,
      nodePort: port.nodePort,
      endpointIps: reachable.map((endpoint) => endpoint.ip),
    };
  }
  return fragment;
}

/** Traffic to the clusterIP that no pod sent may come back to another node, so that it takes this node's address. */
function fromOutside(family: NftFamily, port: ServicePort, node: NodeContext): string[] {
  const pods = disjointCidrs(node.podCidrs, family);
  if (pods.length === 0) return [];
  return [
    `${family} daddr ${port.clusterIp} ${port.protocol} dport ${port.port} ${family} saddr != ${members(pods)} jump ${markForMasquerade}`,
  ];
}

function externalRules(
  family: NftFamily,
  port: ServicePort,
  node: NodeContext,
  names: { cluster: string; local: string },
  { cluster, external }: { cluster: ProxyEndpoint[]; external: ProxyEndpoint[] },
): string[] {
  if (!port.externalPolicyLocal) {
    return external.length > 0 ? [`jump ${markForMasquerade}`, `goto ${names.cluster}`] : [];
  }
  const pods = disjointCidrs(node.podCidrs, family);
  const rules: string[] = [];
  // Pods and the node itself reach every endpoint, as if they had gone out to a load balancer and come back in.
  if (cluster.length > 0) {
    if (pods.length > 0) rules.push(`${family} saddr ${members(pods)} goto ${names.cluster}`);
    rules.push(
      `fib saddr type local jump ${markForMasquerade}`,
      `fib saddr type local goto ${names.cluster}`,
    );
  }
  if (external.length > 0) rules.push(`goto ${names.local}`);
  return rules;
}

/** First the endpoint that the client had, then any. */
function balance(family: NftFamily, port: ServicePort, endpoints: readonly ProxyEndpoint[]): string[] {
  const chains = endpoints.map((endpoint) => endpointName(port, endpoint));
  const targets = chains.map((name, index) => `${index} : goto endpoint-${name}`);
  const timeout = port.affinityTimeoutSeconds;
  const affinity =
    timeout === undefined
      ? []
      : chains.map((name) => `${family} saddr @${affinityName(timeout, name)} goto endpoint-${name}`);
  // The last rule is for packets that are under way while the chain is replaced: they go on through the old rules, but
  // the kernel has already put the old rules' map out of use, so that a look-up in it can miss.
  const last = `goto endpoint-${chains.at(-1)}`;
  if (chains.length === 1) return [...affinity, last];
  return [...affinity, `numgen random mod ${chains.length} vmap { ${targets.join(', ')} }`, last];
}

function addEndpoint(
  fragment: Fragment,
  family: NftFamily,
  port: ServicePort,
  endpoint: ProxyEndpoint,
): void {
  const name = endpointName(port, endpoint);
  const timeout = port.affinityTimeoutSeconds;
  const target = family === 'ip6' ? `[${endpoint.ip}]:${endpoint.port}` : `${endpoint.ip}:${endpoint.port}`;
  // A pod that comes back to itself would not take an answer from its own address.
  const rules = [`${family} saddr ${endpoint.ip} jump ${markForMasquerade}`];
  if (timeout !== undefined) {
    rules.push(`update @${affinityName(timeout, name)} { ${family} saddr }`);
    fragment.sets.push([
      affinityName(timeout, name),
      {
        kind: 'set',
        type: family === 'ip' ? 'ipv4_addr' : 'ipv6_addr',
        options: `flags dynamic,timeout ; timeout ${timeout}s ;`,
      },
    ]);
  }
  rules.push(`meta l4proto ${port.protocol} dnat to ${target}`);
  fragment.chains.push([`endpoint-${name}`, { rules }]);
}

/** A set never changes its timeout, so that another timeout is another set. */
function affinityName(timeoutSeconds: number, endpoint: string): string {
  return `affinity-${timeoutSeconds}-${endpoint}`;
}

function addFirewall(
  fragment: Fragment,
  family: NftFamily,
  port: ServicePort,
  node: NodeContext,
  chain: string,
): void {
  const ranges = disjointCidrs(port.sourceRanges, family);
  // An address of the load balancer that is bound on the node is the source of the node's own traffic to it.
  if (anyContains(ranges, node.nodeIps, family)) ranges.push(...port.loadBalancerIps);
  const rule = ranges.length ? `${family} saddr != ${members(disjointMembers(ranges, family))} drop` : 'drop';
  fragment.chains.push([chain, { rules: [rule] }]);
  for (const ip of port.loadBalancerIps) {
    fragment.elements.push([firewallIps, `${ip} . ${port.protocol} . ${port.port}`, `goto ${chain}`]);
  }
}

/** One member needs no set. */
function members(ranges: readonly string[]): string {
  return ranges.length === 1 ? (ranges[0] ?? '') : `{ ${ranges.join(', ')} }`;
}

function disjointMembers(ranges: readonly string[], family: NftFamily): string[] {
  const bits = family === 'ip' ? 32 : 128;
  return disjointCidrs(
    ranges.map((range) => (range.includes('/') ? range : `${range}/${bits}`)),
    family,
  );
}

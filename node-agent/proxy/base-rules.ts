import { disjointCidrs, ofFamily } from './addresses.ts';
import type { NftFamily, Ruleset } from './nft/ruleset.ts';
import type { NodeContext } from './types.ts';

export const serviceIps = 'service-ips';
export const serviceNodePorts = 'service-nodeports';
export const noEndpointServices = 'no-endpoint-services';
export const noEndpointNodePorts = 'no-endpoint-nodeports';
export const firewallIps = 'firewall-ips';
export const clusterIps = 'cluster-ips';
export const markForMasquerade = 'mark-for-masquerade';
export const rejectChain = 'reject-chain';

/** The packet mark of kube-proxy; other bits of the mark belong to others. */
const masqueradeMark = '0x4000';

/**
 * What the table holds whatever Services there are: the hooks, and the maps that they look traffic up in. A chain
 * for each hook, priority and check as kube-proxy's nftables mode has them.
 */
export function baseRules(
  family: NftFamily,
  node: NodeContext,
  options: { ownServiceIps: readonly string[]; serviceCidrs: readonly string[] },
): Ruleset {
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const byAddress = `${address} . inet_proto . inet_service : verdict`;
  const byPort = 'inet_proto . inet_service : verdict';
  const own = ofFamily(options.ownServiceIps, family);
  const unallocated = disjointCidrs(options.serviceCidrs, family);
  const destination = `${family} daddr . meta l4proto . th dport`;
  const nodePorts = new Map(ofFamily(node.nodeIps, family).map((ip) => [ip, '']));
  return {
    sets: new Map([
      ['nodeport-ips', { kind: 'set', type: address, elements: nodePorts }],
      [clusterIps, { kind: 'set', type: address, elements: new Map() }],
      [serviceIps, { kind: 'map', type: byAddress, elements: new Map() }],
      [serviceNodePorts, { kind: 'map', type: byPort, elements: new Map() }],
      [noEndpointServices, { kind: 'map', type: byAddress, elements: new Map() }],
      [noEndpointNodePorts, { kind: 'map', type: byPort, elements: new Map() }],
      [firewallIps, { kind: 'map', type: byAddress, elements: new Map() }],
    ]),
    chains: new Map([
      hook('filter-prerouting', 'filter', 'prerouting', -110, ['ct state new jump firewall-check']),
      hook('filter-input', 'filter', 'input', -110, [
        'ct state new jump nodeport-endpoints-check',
        'ct state new jump service-endpoints-check',
      ]),
      hook('filter-forward', 'filter', 'forward', -110, [
        'ct state new jump service-endpoints-check',
        'ct state new jump cluster-ips-check',
      ]),
      hook('filter-output', 'filter', 'output', -110, [
        'ct state new jump service-endpoints-check',
        'ct state new jump firewall-check',
      ]),
      hook('filter-output-post-dnat', 'filter', 'output', -90, ['ct state new jump cluster-ips-check']),
      hook('nat-prerouting', 'nat', 'prerouting', -100, ['jump services']),
      hook('nat-output', 'nat', 'output', -100, ['jump services']),
      hook('nat-postrouting', 'nat', 'postrouting', 100, ['jump masquerading']),
      plain(markForMasquerade, [`meta mark set meta mark or ${masqueradeMark}`]),
      plain('masquerading', [
        `meta mark & ${masqueradeMark} == 0 return`,
        `meta mark set meta mark xor ${masqueradeMark}`,
        'masquerade fully-random',
      ]),
      plain(rejectChain, ['reject']),
      plain('firewall-check', [`${destination} vmap @${firewallIps}`]),
      plain('service-endpoints-check', [`${destination} vmap @${noEndpointServices}`]),
      plain('nodeport-endpoints-check', [
        `${family} daddr @nodeport-ips meta l4proto . th dport vmap @${noEndpointNodePorts}`,
      ]),
      // A Service's address on a port that it does not have is refused, not sent on to the default route.
      plain('cluster-ips-check', [
        ...(own.length ? [`${family} daddr { ${own.join(', ')} } return`] : []),
        `${family} daddr @${clusterIps} reject`,
        ...(unallocated.length ? [`${family} daddr { ${unallocated.join(', ')} } drop`] : []),
      ]),
      plain('services', [
        `${destination} vmap @${serviceIps}`,
        `${family} daddr @nodeport-ips meta l4proto . th dport vmap @${serviceNodePorts}`,
      ]),
    ]),
  };
}

function plain(name: string, rules: string[]): [string, { rules: string[] }] {
  return [name, { rules }];
}

function hook(
  name: string,
  type: 'nat' | 'filter',
  at: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting',
  priority: number,
  rules: string[],
): [string, { hook: string; rules: string[] }] {
  return [name, { hook: `type ${type} hook ${at} priority ${priority}`, rules }];
}

import { readFile } from 'node:fs/promises';
import type { Pod } from '../../lib/api/gen/types.ts';
import type { DnsConfig } from '../cri/types.ts';

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

export interface ClusterDns {
  /** Addresses of the cluster's DNS service. */
  servers: readonly string[];
  /** `cluster.local` */
  domain: string;
  /** The node's own configuration, for what is not of the cluster: `/etc/resolv.conf`. */
  resolvConf: string;
}

/**
 * A pod's resolver (DNS for Services and Pods, "Pod's DNS Policy" and "Pod's DNS Config"). `warn` hears of what did
 * not fit into the limits and was left out.
 */
export async function podDns(
  pod: Pod,
  cluster: ClusterDns,
  warn: (message: string) => void,
): Promise<DnsConfig> {
  const config = await byPolicy(pod, cluster, warn);
  const custom = pod.spec.dnsConfig;
  const servers = unique([...config.servers, ...(custom?.nameservers ?? [])]);
  const searches = unique([...config.searches, ...(custom?.searches ?? [])]);
  const options = mergeOptions(
    config.options,
    (custom?.options ?? []).map(({ name = '', value }) => (value ? `${name}:${value}` : name)),
  );
  return fitted({ servers, searches, options }, warn);
}

async function byPolicy(pod: Pod, cluster: ClusterDns, warn: (message: string) => void): Promise<DnsConfig> {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  if (policy === 'None') return { servers: [], searches: [], options: [] };
  const host = await readResolvConf(cluster.resolvConf);
  const usesCluster =
    policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec.hostNetwork);
  if (!usesCluster) return host;
  if (cluster.servers.length === 0) {
    warn(
      `pod: "${pod.metadata.namespace}/${pod.metadata.name}". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`,
    );
    return host;
  }
  const { domain } = cluster;
  return {
    servers: [...cluster.servers],
    searches: [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches],
    options: ['ndots:5'],
  };
}

/** What a resolv.conf says; nothing when there is none. */
export async function readResolvConf(path: string): Promise<DnsConfig> {
  const config: DnsConfig = { servers: [], searches: [], options: [] };
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) config.servers.push(values[0]);
    if (keyword === 'search') config.searches = values.map((value) => value.replace(/\.$/, '') || '.');
    if (keyword === 'options') config.options = values;
  }
  return config;
}

/** An option of the pod replaces the one of the same name. */
function mergeOptions(base: string[], custom: string[]): string[] {
  const merged = new Map<string, string>();
  for (const option of [...base, ...custom]) merged.set(option.split(':')[0] ?? option, option);
  return [...merged.values()];
}

function fitted(config: DnsConfig, warn: (message: string) => void): DnsConfig {
  const servers = config.servers.slice(0, maxNameservers);
  if (servers.length < config.servers.length) {
    warn(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`,
    );
  }
  const searches: string[] = [];
  for (const search of config.searches.slice(0, maxSearches)) {
    if ([...searches, search].join(' ').length > maxSearchCharacters) break;
    searches.push(search);
  }
  if (searches.length < config.searches.length) {
    warn(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(' ')}`,
    );
  }
  return { servers, searches, options: config.options };
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { KumulusError, messageOf } from '../lib/errors.ts';
import { type LogLevel, logLevels } from '../lib/log.ts';

/** What a node agent is told, as a JSON file. Paths are absolute. */
export interface AgentConfig {
  nodeName: string;
  /** The API server: `https://10.0.0.1:6443`. */
  server: string;
  /** PEM files: who the API server must be signed by, and who the agent is (`system:node:<name>`, `system:nodes`). */
  certificateAuthority: string;
  clientCertificate: string;
  clientKey: string;
  /** PEM files: who the agent is to those who call it. */
  servingCertificate: string;
  servingKey: string;
  /** The CRI socket: `unix:///run/containerd/containerd.sock`. */
  runtimeEndpoint: string;
  /** Everything that the agent keeps on disk; must lie on the disk that pods may fill. */
  stateDir: string;
  listenAddress: string;
  /** The kubelet API; usually 10250. */
  listenPort: number;
  /** The node's own address, at which pods and other nodes reach it. */
  nodeIp: string;
  /** Addresses of the cluster's DNS service; the agent answers there. */
  clusterDns: string[];
  clusterDomain: string;
  /** The cluster's pod ranges, of all nodes; the node's own where absent. */
  clusterCidrs?: string[];
  /** The ranges of Service addresses. */
  serviceCidrs?: string[];
  /** Name servers for what is not of the cluster; those of /etc/resolv.conf where absent. */
  upstreamResolvers?: string[];
  /** Where the runtime looks for the configuration of the pods' network. */
  cniConfDir: string;
  /** The control group under which `kubepods` is made: `/kumulus-ab12`. */
  cgroupRoot: string;
  nodeLabels?: Record<string, string>;
  maxPods?: number;
  logLevel: string;
  /** End, and leave the containers running, when standard input ends: the parent is gone then. */
  parentLifeline: boolean;
}

type Check = (value: unknown) => string | undefined;

const path: Check = (v) =>
  typeof v === 'string' && v.startsWith('/') ? undefined : 'must be an absolute path';
const ip: Check = (v) => (typeof v === 'string' && isIP(v) !== 0 ? undefined : 'must be an IP address');
const flag: Check = (v) => (typeof v === 'boolean' ? undefined : 'must be true or false');
const list =
  (item: Check): Check =>
  (v) =>
    Array.isArray(v) ? v.map(item).find((problem) => problem !== undefined) : 'must be a list';
const cidr: Check = (v) => {
  const [address = '', bits = ''] = typeof v === 'string' ? v.split('/') : [];
  return isIP(address) !== 0 && /^\d+$/.test(bits)
    ? undefined
    : 'must be an address range such as 10.0.0.0/8';
};
const optional =
  (check: Check): Check =>
  (v) =>
    v === undefined ? undefined : check(v);
const between =
  (min: number, max: number): Check =>
  (v) =>
    Number.isInteger(v) && (v as number) >= min && (v as number) <= max
      ? undefined
      : `must be a whole number between ${min} and ${max}`;
const startsWith =
  (prefix: string): Check =>
  (v) =>
    typeof v === 'string' && v.startsWith(prefix) ? undefined : `must begin with ${prefix}`;
const dnsName: Check = (v) =>
  typeof v === 'string' && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(v) && v.length <= 253
    ? undefined
    : "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const labels: Check = (v) =>
  typeof v === 'object' && v !== null && Object.values(v).every((value) => typeof value === 'string')
    ? undefined
    : 'must be a map of strings';

const checks: Record<keyof AgentConfig, Check> = {
  nodeName: dnsName,
  server: startsWith('https://'),
  certificateAuthority: path,
  clientCertificate: path,
  clientKey: path,
  servingCertificate: path,
  servingKey: path,
  runtimeEndpoint: startsWith('unix:///'),
  stateDir: path,
  listenAddress: ip,
  listenPort: between(1, 65_535),
  nodeIp: ip,
  clusterDns: list(ip),
  clusterDomain: dnsName,
  clusterCidrs: optional(list(cidr)),
  serviceCidrs: optional(list(cidr)),
  upstreamResolvers: optional(list(ip)),
  cniConfDir: path,
  cgroupRoot: startsWith('/'),
  nodeLabels: optional(labels),
  maxPods: optional(between(1, 1_000)),
  logLevel: (v) => (logLevels.includes(v as LogLevel) ? undefined : `must be one of ${logLevels.join(', ')}`),
  parentLifeline: flag,
};

/** Reads a configuration; throws `Invalid` with every field that is wrong, and its value. */
export async function readConfig(file: string): Promise<AgentConfig> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new KumulusError('Invalid', `--config: Invalid value: "${file}": ${messageOf(error)}`, {
      cause: error,
    });
  }
  return parseConfig(value);
}

export function parseConfig(value: unknown): AgentConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KumulusError('Invalid', `config: Invalid value: ${JSON.stringify(value)}: must be an object`);
  }
  const given = value as Record<string, unknown>;
  const problems: string[] = [];
  for (const field of Object.keys(given)) {
    if (!(field in checks)) problems.push(`${field}: Forbidden: unknown field`);
  }
  for (const [field, check] of Object.entries(checks)) {
    const problem = check(given[field]);
    if (!problem) continue;
    problems.push(
      given[field] === undefined
        ? `${field}: Required value: ${problem}`
        : `${field}: Invalid value: ${JSON.stringify(given[field])}: ${problem}`,
    );
  }
  if (problems.length > 0) throw new KumulusError('Invalid', problems.join('\n'));
  return given as unknown as AgentConfig;
}

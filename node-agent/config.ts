import { KumulusError } from '../lib/errors.ts';
import { type ApiServerAccess, apiServerChecks, checkIdentity } from './api-server.ts';
import { checkQueueAccess, type QueueAccess } from './changes.ts';
import {
  between,
  type Checks,
  checked,
  cidr,
  dnsName,
  flag,
  ip,
  level,
  list,
  optional,
  path,
  readJson,
  startsWith,
  stringMap,
} from './config-check.ts';

/** What a node agent is told, as a JSON file. Paths are absolute. */
export interface AgentConfig extends ApiServerAccess {
  nodeName: string;
  /** PEM file: who those must be signed by who call the agent with a certificate. Absent: `certificateAuthority`. */
  clientAuthority?: string;
  /** PEM files: who the agent is to those who call it. Absent with `serverTLSBootstrap`. */
  servingCertificate?: string;
  servingKey?: string;
  /** The client certificate is the one below `stateDir` that `kumulus node join` was given, asked for again in time. */
  rotateCertificates?: boolean;
  /** The serving certificate is asked for, kept below `stateDir`, and asked for again in time. */
  serverTLSBootstrap?: boolean;
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
  /** What the cloud calls the machine: `aws:///eu-west-1a/i-0123456789abcdef0`. */
  providerId?: string;
  /** On AWS: changes are heard of through the node's own queue, and not by watches. */
  changes?: QueueAccess;
  /** On AWS: where pods of this node find the API server, which is answered for here: `192.0.2.1:443`. */
  apiProxy?: string;
  /** On AWS: where the stream gateway listens for its load balancer. */
  gatewayPort?: number;
  maxPods?: number;
  logLevel: string;
  /** End, and leave the containers running, when standard input ends: the parent is gone then. */
  parentLifeline: boolean;
}

const checks: Checks<AgentConfig> = {
  nodeName: dnsName,
  ...apiServerChecks,
  clientAuthority: optional(path),
  servingCertificate: optional(path),
  servingKey: optional(path),
  rotateCertificates: optional(flag),
  serverTLSBootstrap: optional(flag),
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
  nodeLabels: optional(stringMap),
  providerId: optional(startsWith('aws:///')),
  changes: optional(checkQueueAccess),
  apiProxy: optional((value) =>
    /^\d+\.\d+\.\d+\.\d+:\d+$/.test(String(value)) ? undefined : 'must be an address and a port',
  ),
  gatewayPort: optional(between(1, 65_535)),
  maxPods: optional(between(1, 1_000)),
  logLevel: level,
  parentLifeline: flag,
};

/** Reads a configuration; throws `Invalid` with every field that is wrong, and its value. */
export async function readConfig(file: string): Promise<AgentConfig> {
  return parseConfig(await readJson(file));
}

export function parseConfig(value: unknown): AgentConfig {
  const config = checked(value, checks);
  checkClientCertificate(config);
  checkServingCertificate(config);
  if (!config.clientAuthority && !config.certificateAuthority) {
    throw new KumulusError('Invalid', 'clientAuthority: Required value: or certificateAuthority');
  }
  return config;
}

function checkClientCertificate(config: AgentConfig): void {
  const { rotateCertificates, clientCertificate, clientKey, iam } = config;
  if (!rotateCertificates) return checkIdentity(config);
  const other = iam ? 'iam' : clientCertificate ? 'clientCertificate' : clientKey ? 'clientKey' : undefined;
  if (other) {
    throw new KumulusError(
      'Invalid',
      `${other}: Forbidden: may not be given together with rotateCertificates`,
    );
  }
}

function checkServingCertificate(config: AgentConfig): void {
  for (const field of ['servingCertificate', 'servingKey'] as const) {
    if (config.serverTLSBootstrap && config[field]) {
      const message = `${field}: Forbidden: may not be given together with serverTLSBootstrap`;
      throw new KumulusError('Invalid', message);
    }
    if (!config.serverTLSBootstrap && !config[field]) {
      throw new KumulusError('Invalid', `${field}: Required value: or serverTLSBootstrap`);
    }
  }
}

import type { Pod } from '../../lib/api/gen/types.ts';
import type { PortMapping, SandboxConfig } from '../cri/types.ts';
import type { ClusterDns } from './dns.ts';
import { podDns } from './dns.ts';
import { podHostname } from './hostname.ts';
import * as names from './names.ts';
import { type NodePaths, podLogDir } from './paths.ts';
import { podResources } from './resources.ts';
import { cpuQuota, cpuShares } from './resources.ts';
import { sandboxSecurity } from './security.ts';

export interface SandboxEnvironment {
  owner: string;
  paths: NodePaths;
  dns: ClusterDns;
  cgroupParent: string;
  warn: (message: string) => void;
}

/** What the runtime is to make a pod's sandbox from. The same pod and attempt make the same configuration. */
export async function sandboxConfig(
  pod: Pod,
  attempt: number,
  env: SandboxEnvironment,
): Promise<SandboxConfig> {
  const { metadata, spec } = pod;
  // On the node's network the node's name is the pod's: the runtime keeps the namespace that holds it.
  const hostname = spec.hostNetwork ? '' : podHostname(pod, env.dns.domain).hostname;
  return {
    metadata: {
      name: metadata.name ?? '',
      uid: metadata.uid ?? '',
      namespace: metadata.namespace ?? '',
      attempt,
    },
    hostname,
    logDirectory: podLogDir(env.paths, pod),
    dnsConfig: await podDns(pod, env.dns, env.warn),
    portMappings: portMappings(pod),
    labels: { ...metadata.labels, ...identityLabels(pod, env.owner) },
    annotations: { ...metadata.annotations },
    linux: {
      cgroupParent: env.cgroupParent,
      securityContext: sandboxSecurity(pod),
      sysctls: Object.fromEntries(
        (spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name.replaceAll('/', '.'), value]),
      ),
      resources: wholePod(pod),
    },
  };
}

export function identityLabels({ metadata }: Pod, owner: string): Record<string, string> {
  return {
    [names.podNameLabel]: metadata.name ?? '',
    [names.podNamespaceLabel]: metadata.namespace ?? '',
    [names.podUidLabel]: metadata.uid ?? '',
    [names.ownerLabel]: owner,
  };
}

function portMappings({ spec }: Pod): PortMapping[] {
  // On the node's own network a container's port is the node's port already.
  if (spec.hostNetwork) return [];
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ];
  return containers
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => hostPort)
    .map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
      protocol: protocol as PortMapping['protocol'],
      containerPort,
      hostPort,
      hostIp: hostIP,
    }));
}

/** Only a hint: the pod's own cgroup, which the agent keeps, is what limits it. */
function wholePod(pod: Pod): SandboxConfig['linux']['resources'] {
  const { requests, limits } = podResources(pod);
  return {
    cpuPeriod: 100_000,
    cpuQuota: limits.cpuComplete ? cpuQuota(limits.cpuMilli) : 0,
    cpuShares: cpuShares(requests.cpuMilli),
    memoryLimitInBytes: limits.memoryComplete ? limits.memoryBytes : 0,
  };
}

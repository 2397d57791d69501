import type { Pod } from '../../lib/api/gen/types.ts';
import { amountOf, milliCpu } from './quantities.ts';
import { podResources } from './resources.ts';

export interface Rejection {
  reason: string;
  message: string;
}

/** Kernel settings that do not reach beyond a pod (Using sysctls in a Kubernetes Cluster, "Safe and Unsafe Sysctls"). */
const safeSysctls: readonly string[] = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
];

/**
 * Whether the node can take a pod at all, beside those it runs already. The scheduler knows the node a little later
 * than the node itself does, and some pods never pass it.
 */
export function rejectPod(
  pod: Pod,
  running: readonly Pod[],
  allocatable: Record<string, string>,
): Rejection | undefined {
  const maxPods = amountOf(allocatable, 'pods') ?? 0;
  if (running.length + 1 > maxPods) return outOf('pods', 1, running.length, maxPods);
  const wanted = podResources(pod).requests;
  const used = running.map((other) => podResources(other).requests);
  const cpuUsed = used.reduce((sum, { cpuMilli }) => sum + cpuMilli, 0);
  const cpu = milliCpu(allocatable) ?? 0;
  if (wanted.cpuMilli > 0 && cpuUsed + wanted.cpuMilli > cpu)
    return outOf('cpu', wanted.cpuMilli, cpuUsed, cpu);
  const memoryUsed = used.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const memory = amountOf(allocatable, 'memory') ?? 0;
  if (wanted.memoryBytes > 0 && memoryUsed + wanted.memoryBytes > memory) {
    return outOf('memory', wanted.memoryBytes, memoryUsed, memory);
  }
  return hostPortConflict(pod, running) ?? forbiddenSysctl(pod);
}

function outOf(resource: string, requested: number, used: number, capacity: number): Rejection {
  return {
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}

function hostPortConflict(pod: Pod, running: readonly Pod[]): Rejection | undefined {
  const taken = running.flatMap(hostPorts);
  const conflict = hostPorts(pod).some((wanted) =>
    taken.some(
      (other) =>
        other.port === wanted.port &&
        other.protocol === wanted.protocol &&
        (other.ip === wanted.ip || other.ip === '0.0.0.0' || wanted.ip === '0.0.0.0'),
    ),
  );
  if (!conflict) return undefined;
  return {
    reason: 'NodePorts',
    message:
      "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  };
}

function hostPorts({ spec }: Pod): { ip: string; protocol: string; port: number }[] {
  return spec.containers
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => hostPort)
    .map(({ hostIP, protocol = 'TCP', hostPort = 0 }) => ({
      ip: hostIP || '0.0.0.0',
      protocol,
      port: hostPort,
    }));
}

function forbiddenSysctl({ spec }: Pod): Rejection | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const plain = name.replaceAll('/', '.');
    const hostShared =
      (spec.hostNetwork && plain.startsWith('net.')) || (spec.hostIPC && plain.startsWith('kernel.shm'));
    if (!safeSysctls.includes(plain) || hostShared) {
      return {
        reason: 'SysctlForbidden',
        message: `Pod was rejected: forbidden sysctl: "${name}" not allowlisted`,
      };
    }
  }
  return undefined;
}

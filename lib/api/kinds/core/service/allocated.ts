import type { Service } from '../../../gen/types.ts';
import { needsHealthCheck } from './defaults.ts';

export const hasClusterIps = ({ spec }: Service): boolean => spec.type !== 'ExternalName';

export const hasNodePorts = ({ spec }: Service): boolean =>
  spec.type === 'NodePort' || spec.type === 'LoadBalancer';

/** An update that leaves out what the server chose keeps it, so that the same manifest can be sent again. */
export function keepAllocated(service: Service, old: Service): void {
  const { spec } = service;
  const was = old.spec;
  if (hasClusterIps(old) && hasClusterIps(service)) {
    if (!spec.clusterIP && was.clusterIP) spec.clusterIP = was.clusterIP;
    if (!spec.clusterIPs?.length && was.clusterIPs?.length) spec.clusterIPs = [...was.clusterIPs];
  }
  if (hasNodePorts(old) && hasNodePorts(service)) keepNodePorts(service, old);
  if (needsHealthCheck(old) && needsHealthCheck(service) && !spec.healthCheckNodePort) {
    if (was.healthCheckNodePort) spec.healthCheckNodePort = was.healthCheckNodePort;
  }
}

/** By the names of the ports: their other properties may have changed. */
function keepNodePorts(service: Service, old: Service): void {
  const ports = service.spec.ports ?? [];
  const used = new Set(ports.map(({ nodePort }) => nodePort));
  const before = new Map((old.spec.ports ?? []).map(({ name, nodePort }) => [name ?? '', nodePort]));
  for (const port of ports) {
    const kept = before.get(port.name ?? '');
    if (!port.nodePort && kept && !used.has(kept)) port.nodePort = kept;
  }
}

export function equalValues(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

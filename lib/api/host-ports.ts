import type { Pod } from './gen/types.ts';

/** A port of its node that a pod takes for itself. */
export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

/** The address of a host port that names none; it meets any other. */
export const everyAddress = '0.0.0.0';

const none: readonly HostPort[] = [];

/** What the containers take that run all along: sidecars among them, other init containers not. */
export function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined;
  const sidecars = (spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...spec.containers, ...sidecars]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (!hostPort) continue;
      ports ??= [];
      ports.push({ ip: hostIP || everyAddress, protocol: protocol || 'TCP', port: hostPort });
    }
  }
  return ports ?? none;
}

/** Whether two pods with these cannot be on one node. */
export function hostPortsMeet(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.ip === b.ip || a.ip === everyAddress || b.ip === everyAddress;
  return sameAddress && a.protocol === b.protocol && a.port === b.port;
}

import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Plugin } from '../framework/plugin.ts';
import { skip, unschedulable } from '../framework/status.ts';

const taken = unschedulable("node(s) didn't have free ports for the requested pod ports");

/** Keeps a pod off nodes where one of its host ports is in use. */
export function nodePorts(): Plugin {
  return {
    name: 'NodePorts',
    filtersByNodeAlone: true,
    events: [
      {
        resource: 'AssignedPod',
        actions: ['Delete'],
        hint: ({ hostPorts }, { before }) => {
          const released = new Set(portsOf(before as Pod));
          return hostPorts.some(({ protocol, port }) => released.has(`${protocol}/${port}`))
            ? 'Queue'
            : 'Skip';
        },
      },
      { resource: 'Node', actions: ['Add'] },
    ],
    preFilter: (_state, { hostPorts }) => (hostPorts.length === 0 ? { status: skip } : undefined),
    filter: (_state, { hostPorts }, node) =>
      hostPorts.some((port) => node.portInUse(port)) ? taken : undefined,
  };
}

function portsOf(pod: Pod): string[] {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort)
    .map(({ hostPort, protocol }) => `${protocol || 'TCP'}/${hostPort}`);
}

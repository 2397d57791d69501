import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { Plugin } from '../framework/plugin.ts';
import { everyAddress, type HostPort, podInfoOf } from '../framework/pod-info.ts';
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
          const released = podInfoOf(before as Persisted<Pod>).hostPorts;
          return hostPorts.some((wanted) => released.some((port) => meet(wanted, port))) ? 'Queue' : 'Skip';
        },
      },
      // No port is in use on a new node.
      { resource: 'Node', actions: ['Add'] },
    ],
    preFilter: (_state, { hostPorts }) => (hostPorts.length === 0 ? { status: skip } : undefined),
    filter: (_state, { hostPorts }, node) =>
      hostPorts.some((port) => node.portInUse(port)) ? taken : undefined,
  };
}

/** As `NodeInfo.portInUse` has it. */
function meet(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.ip === b.ip || a.ip === everyAddress || b.ip === everyAddress;
  return sameAddress && a.protocol === b.protocol && a.port === b.port;
}

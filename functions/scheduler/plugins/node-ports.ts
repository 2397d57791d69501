import type { Pod } from '../../../lib/api/gen/types.ts';
import { hostPortsMeet, hostPortsOf } from '../../../lib/api/host-ports.ts';
import { stateKey } from '../framework/cycle-state.ts';
import type { Plugin } from '../framework/plugin.ts';
import { skip, unschedulable } from '../framework/status.ts';

const taken = unschedulable("node(s) didn't have free ports for the requested pod ports");

/** There where a binding must not bring a host port to a node where it is taken by then. */
export const portsToHold = stateKey<true>('host ports to hold');

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
          const released = hostPortsOf(before as Pod);
          const helps = hostPorts.some((wanted) => released.some((port) => hostPortsMeet(wanted, port)));
          return helps ? 'Queue' : 'Skip';
        },
      },
      // No port is in use on a new node.
      { resource: 'Node', actions: ['Add'] },
    ],
    preFilter(state, { hostPorts }) {
      if (hostPorts.length === 0) return { status: skip };
      state.write(portsToHold, true);
      return undefined;
    },
    filter: (_state, { hostPorts }, node) =>
      hostPorts.some((port) => node.portInUse(port)) ? taken : undefined,
  };
}

import type { Plugin } from '../framework/plugin.ts';
import { amount } from '../../../lib/api/pod-resources.ts';
import { skip } from '../framework/status.ts';
import { cpuAndMemory } from './node-resources-fit.ts';
import { balanced, type WeightedResource } from './resource-scorers.ts';

export interface NodeResourcesBalancedAllocationArgs {
  resources?: WeightedResource[];
}

/** Prefers nodes whose resources would be in use to like degrees. Says nothing of pods that ask for nothing. */
export function balancedAllocation(args: NodeResourcesBalancedAllocationArgs = {}): Plugin {
  const names = (args.resources?.length ? args.resources : cpuAndMemory).map(({ name }) => name);
  // Reused from node to node: a cycle runs to its end before another begins.
  const requested = new Array<number>(names.length).fill(0);
  const allocatable = new Array<number>(names.length).fill(0);

  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore: (_state, { requests }) =>
      names.every((name) => amount(requests.requested, name) === 0) ? skip : undefined,
    score(_state, { requests }, node) {
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        const wanted = amount(requests.requested, name);
        const counts = wanted > 0 || name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';
        requested[i] = counts ? amount(node.requested, name) + wanted : 0;
        allocatable[i] = counts ? amount(node.allocatable, name) : 0;
      }
      return balanced(requested, allocatable);
    },
  };
}

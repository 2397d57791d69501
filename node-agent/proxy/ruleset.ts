import type { EndpointSlice, Service } from '../../lib/api/gen/types.ts';
import { baseRules } from './base-rules.ts';
import type { NftFamily, NftSet, Ruleset } from './nft/ruleset.ts';
import { endpointsOf, servicePorts } from './service-ports.ts';
import { type Fragment, servicePortRules } from './service-rules.ts';
import type { NodeContext } from './types.ts';

export interface ServiceState {
  service: Service;
  slices: readonly EndpointSlice[];
}

export interface RulesOptions {
  family: NftFamily;
  node: NodeContext;
  /** Service addresses that this node answers by itself (the cluster's DNS): left out of the rules. */
  ownServiceIps: readonly string[];
  /** Where given, traffic to addresses in here that no Service has is dropped. */
  serviceCidrs: readonly string[];
}

/** The rules of one Service: a pure function of it, its slices and the node, so that it can be kept until one changes. */
export function serviceRules({ service, slices }: ServiceState, options: RulesOptions): Fragment[] {
  return servicePorts(service, options.family)
    .filter((port) => !options.ownServiceIps.includes(port.clusterIp))
    .map((port) =>
      servicePortRules(
        options.family,
        port,
        endpointsOf(port, slices, options.family, options.node.nodeName),
        options.node,
      ),
    );
}

/**
 * The whole table. Where two Services ask for the same address and port, the first in the given order has it, so that
 * the order should not depend on chance.
 */
export function assemble(fragments: Iterable<Fragment>, options: RulesOptions): Ruleset {
  const ruleset = baseRules(options.family, options.node, options);
  for (const fragment of fragments) {
    for (const [name, chain] of fragment.chains) ruleset.chains.set(name, chain);
    for (const [name, set] of fragment.sets) ruleset.sets.set(name, set);
    for (const [name, key, value] of fragment.elements) {
      const elements = elementsOf(ruleset.sets.get(name), name);
      if (!elements.has(key)) elements.set(key, value);
    }
  }
  return ruleset;
}

/** rules(state): what the table holds for these Services. */
export function rulesFor(states: Iterable<ServiceState>, options: RulesOptions): Ruleset {
  const fragments: Fragment[] = [];
  for (const state of states) fragments.push(...serviceRules(state, options));
  return assemble(fragments, options);
}

function elementsOf(set: NftSet | undefined, name: string): Map<string, string> {
  if (!set?.elements) throw new Error(`no set ${name} in the base rules`);
  return set.elements;
}

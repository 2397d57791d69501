import { matchesLabels } from '../../../lib/api/selectors/index.ts';
import type { NodeDomains } from '../framework/node-domains.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import type { PodCounters } from '../framework/pod-counters.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import type { Snapshot } from '../framework/snapshot.ts';
import { type Status, unresolvable, unschedulable } from '../framework/status.ts';
import { requiredNodeAffinity } from '../../../lib/api/scheduling/node-selector.ts';
import {
  counts,
  hasAllKeys,
  includesNode,
  type SpreadConstraint,
  signatureOf,
} from './spread-constraints.ts';

const missingLabel = unresolvable(
  "node(s) didn't match pod topology spread constraints (missing required label)",
);
const tooSkewed = unschedulable("node(s) didn't match pod topology spread constraints");

interface Counted {
  readonly constraint: SpreadConstraint;
  /** Every domain of an eligible node, with its pods. */
  readonly domains: Map<string, number>;
  /** How many pods the emptiest domain has; undefined when it must be looked for. */
  least: number | undefined;
  /** 1 when the pod itself will count. */
  readonly self: number;
}

/** How the pods that the constraints speak of are spread; preemption changes copies of it. */
export class Spread {
  readonly #counted: readonly Counted[];

  constructor(counted: readonly Counted[]) {
    this.#counted = counted;
  }

  static of(
    pod: PodInfo,
    constraints: readonly SpreadConstraint[],
    snapshot: Snapshot,
    counters: PodCounters,
    nodeDomains: NodeDomains,
  ): Spread {
    const required = requiredNodeAffinity(pod.pod);
    const counted = constraints.map((constraint) => ({
      constraint,
      domains: new Map<string, number>(),
      least: undefined,
      self: matchesLabels(constraint.selector, pod.labels) ? 1 : 0,
      counter: counters.get(signatureOf(constraint.selector, pod.namespace), (other) =>
        counts(constraint.selector, pod.namespace, other),
      ),
    }));
    const everyNodeCounts = constraints.every(
      ({ topologyKey, honorsAffinity, honorsTaints }) =>
        !honorsTaints && !(honorsAffinity && required) && nodeDomains.of(topologyKey).coversAllNodes,
    );
    if (everyNodeCounts) {
      for (const { constraint, domains, counter } of counted) {
        const sums = counter.domains(constraint.topologyKey);
        for (const value of nodeDomains.of(constraint.topologyKey).values)
          domains.set(value, sums.get(value) ?? 0);
      }
      return new Spread(counted);
    }
    for (const node of snapshot.nodes) {
      if (!hasAllKeys(node, constraints)) continue;
      for (const { constraint, domains, counter } of counted) {
        if (!includesNode(constraint, node, pod.pod, required)) continue;
        const value = node.labels[constraint.topologyKey] as string;
        domains.set(value, (domains.get(value) ?? 0) + (counter.perNode.get(node) ?? 0));
      }
    }
    return new Spread(counted);
  }

  check(node: NodeInfo): Status | undefined {
    for (const counted of this.#counted) {
      const { constraint, domains, self } = counted;
      const value = node.labels[constraint.topologyKey];
      if (value === undefined) return missingLabel;
      counted.least ??= leastOf(domains, constraint.minDomains);
      if ((domains.get(value) ?? 0) + self - counted.least > constraint.maxSkew) return tooSkewed;
    }
    return undefined;
  }

  /** `other` is put on the node, or taken off it. */
  update(pod: PodInfo, other: PodInfo, node: NodeInfo, times: 1 | -1): void {
    const constraints = this.#counted.map(({ constraint }) => constraint);
    if (!hasAllKeys(node, constraints)) return;
    const required = requiredNodeAffinity(pod.pod);
    for (const counted of this.#counted) {
      const { constraint, domains } = counted;
      if (!counts(constraint.selector, pod.namespace, other)) continue;
      if (!includesNode(constraint, node, pod.pod, required)) continue;
      const value = node.labels[constraint.topologyKey] as string;
      domains.set(value, (domains.get(value) ?? 0) + times);
      counted.least = undefined;
    }
  }

  clone(): Spread {
    return new Spread(this.#counted.map((counted) => ({ ...counted, domains: new Map(counted.domains) })));
  }
}

/** With fewer domains than asked for, the missing ones count as empty (KEP-3022). */
function leastOf(domains: ReadonlyMap<string, number>, minDomains: number): number {
  if (domains.size < minDomains) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (const count of domains.values()) if (count < least) least = count;
  return least;
}

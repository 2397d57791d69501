import type { AffinityTerm, PodAffinityTerms } from '../framework/affinity-terms.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import { PodCounter } from '../framework/pod-counters.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import type { Snapshot } from '../framework/snapshot.ts';

/** Pods on nodes that share one affinity term, and where they are. */
export interface ExistingTerm {
  readonly term: AffinityTerm;
  /** 0 for required terms; negative for anti-affinity. */
  readonly weight: number;
  readonly counter: PodCounter;
}

type Kind = 'required' | 'requiredAnti' | 'preferred';

/**
 * The affinity terms of the pods on nodes, each distinct one once with its pods counted. Pods of one template share
 * their terms, so that a pod to place is matched against a few terms instead of against every pod.
 */
export class ExistingTerms {
  readonly #byKind: Record<Kind, Map<string, ExistingTerm>> = {
    required: new Map(),
    requiredAnti: new Map(),
    preferred: new Map(),
  };

  constructor(snapshot: Snapshot) {
    for (const node of snapshot.nodes) for (const pod of node.pods.values()) this.#count(pod, node, 1);
    snapshot.observe({
      podAdded: (pod, node) => this.#count(pod, node, 1),
      podRemoved: (pod, node) => this.#count(pod, node, -1),
      nodesChanged: (how) => {
        if (how !== 'relabelled') return;
        for (const terms of Object.values(this.#byKind)) {
          for (const { counter } of terms.values()) counter.forgetTopologies();
        }
      },
    });
  }

  of(kind: Kind): Iterable<ExistingTerm> {
    return this.#byKind[kind].values();
  }

  #count({ affinity }: PodInfo, node: NodeInfo, times: 1 | -1): void {
    if (!affinity) return;
    for (const { kind, term, weight } of termsOf(affinity)) {
      const terms = this.#byKind[kind];
      const key = `${weight}/${term.topologyKey}/${term.podsSignature}`;
      let known = terms.get(key);
      if (!known) {
        known = { term, weight, counter: new PodCounter() };
        terms.set(key, known);
      }
      known.counter.add(node, times);
      if (known.counter.perNode.size === 0) terms.delete(key);
    }
  }
}

function termsOf(affinity: PodAffinityTerms): { kind: Kind; term: AffinityTerm; weight: number }[] {
  return [
    ...affinity.required.map((term) => ({ kind: 'required' as const, term, weight: 0 })),
    ...affinity.requiredAnti.map((term) => ({ kind: 'requiredAnti' as const, term, weight: 0 })),
    ...affinity.preferred.map(({ term, weight }) => ({ kind: 'preferred' as const, term, weight })),
    ...affinity.preferredAnti.map(({ term, weight }) => ({
      kind: 'preferred' as const,
      term,
      weight: -weight,
    })),
  ];
}

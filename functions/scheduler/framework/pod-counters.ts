import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

/** How many pods of one kind there are, on each node and in each domain of a topology. */
export class PodCounter {
  readonly perNode = new Map<NodeInfo, number>();
  readonly #topologies = new Map<string, Map<string, number>>();

  add(node: NodeInfo, times: number): void {
    const count = (this.perNode.get(node) ?? 0) + times;
    if (count === 0) this.perNode.delete(node);
    else this.perNode.set(node, count);
    for (const [key, domains] of this.#topologies) addTo(domains, node.labels[key], times);
  }

  /** By the value of the node label `key`; nodes without it count nowhere. Domains without such pods are absent. */
  domains(key: string): ReadonlyMap<string, number> {
    const known = this.#topologies.get(key);
    if (known) return known;
    const domains = new Map<string, number>();
    for (const [node, count] of this.perNode) addTo(domains, node.labels[key], count);
    this.#topologies.set(key, domains);
    return domains;
  }

  /** Nodes have other labels now. */
  forgetTopologies(): void {
    this.#topologies.clear();
  }
}

function addTo(domains: Map<string, number>, value: string | undefined, times: number): void {
  if (value === undefined) return;
  const count = (domains.get(value) ?? 0) + times;
  if (count === 0) domains.delete(value);
  else domains.set(value, count);
}

/** Counters that are kept at once; the one not asked for the longest makes room. */
const maxCounters = 128;

/**
 * Counts of pods by a predicate, kept up to date with every pod that comes or goes instead of being made anew for each
 * pod that is placed. A counter that is asked for the first time costs one look at every pod.
 */
export class PodCounters {
  readonly #snapshot: Snapshot;
  readonly #counters = new Map<string, { counter: PodCounter; matches: (pod: PodInfo) => boolean }>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    snapshot.observe({
      podAdded: (pod, node) => this.#count(pod, node, 1),
      podRemoved: (pod, node) => this.#count(pod, node, -1),
      nodesChanged: (how) => {
        if (how !== 'relabelled') return;
        for (const { counter } of this.#counters.values()) counter.forgetTopologies();
      },
      // A predicate may ask for the labels of a namespace.
      namespacesChanged: () => this.#counters.clear(),
    });
  }

  /** The signature stands for the predicate: equal signatures, equal answers. */
  get(signature: string, matches: (pod: PodInfo) => boolean): PodCounter {
    const known = this.#counters.get(signature);
    if (known) {
      this.#counters.delete(signature);
      this.#counters.set(signature, known);
      return known.counter;
    }
    const counter = new PodCounter();
    for (const node of this.#snapshot.nodes) {
      let count = 0;
      for (const pod of node.pods.values()) if (matches(pod)) count++;
      if (count > 0) counter.add(node, count);
    }
    this.#counters.set(signature, { counter, matches });
    if (this.#counters.size > maxCounters) {
      const [oldest] = this.#counters.keys();
      if (oldest !== undefined) this.#counters.delete(oldest);
    }
    return counter;
  }

  #count(pod: PodInfo, node: NodeInfo, times: 1 | -1): void {
    for (const { counter, matches } of this.#counters.values()) if (matches(pod)) counter.add(node, times);
  }
}

/** A counter's domains with what is tried out on top; the counter itself does not change. */
export class DomainView {
  readonly #base: ReadonlyMap<string, number>;
  readonly #delta: Map<string, number>;

  constructor(base: ReadonlyMap<string, number>, delta?: ReadonlyMap<string, number>) {
    this.#base = base;
    this.#delta = new Map(delta);
  }

  get(value: string): number {
    const base = this.#base.get(value) ?? 0;
    return this.#delta.size === 0 ? base : base + (this.#delta.get(value) ?? 0);
  }

  add(value: string, times: number): void {
    this.#delta.set(value, (this.#delta.get(value) ?? 0) + times);
  }

  /** Whether no domain has such a pod. */
  isEmpty(): boolean {
    if (this.#delta.size === 0) return this.#base.size === 0;
    for (const value of this.#base.keys()) if (this.get(value) > 0) return false;
    for (const value of this.#delta.keys()) if (this.get(value) > 0) return false;
    return true;
  }

  clone(): DomainView {
    return new DomainView(this.#base, this.#delta);
  }
}

import type { NodeInfo } from '../framework/node-info.ts';
import { maxNodeScore } from '../framework/plugin.ts';
import type { PodCounters } from '../framework/pod-counters.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { requiredNodeAffinity } from '../../../lib/api/scheduling/node-selector.ts';
import {
  counts,
  hasAllKeys,
  hostnameLabel,
  includesNode,
  type SpreadConstraint,
  signatureOf,
} from './spread-constraints.ts';

interface Weighed {
  readonly constraint: SpreadConstraint;
  /** More domains, more weight, so that few large domains and many small ones count alike. */
  readonly weight: number;
  readonly domains: ReadonlyMap<string, number>;
  readonly perNode: ReadonlyMap<NodeInfo, number>;
}

export interface SpreadScores {
  readonly weighed: readonly Weighed[];
  /** Feasible nodes that lack a topology label: they come last. */
  readonly ignored: ReadonlySet<NodeInfo>;
}

export function spreadScores(
  pod: PodInfo,
  constraints: readonly SpreadConstraint[],
  requireAllKeys: boolean,
  feasible: readonly NodeInfo[],
  counters: PodCounters,
): SpreadScores {
  const required = requiredNodeAffinity(pod.pod);
  const ignored = new Set<NodeInfo>();
  const domains = constraints.map(() => new Map<string, number>());
  for (const node of feasible) {
    if (requireAllKeys && !hasAllKeys(node, constraints)) {
      ignored.add(node);
      continue;
    }
    constraints.forEach(({ topologyKey }, i) => {
      const value = node.labels[topologyKey];
      // Each node is a domain of its own: its pods are counted when it is scored.
      if (topologyKey !== hostnameLabel && value !== undefined) domains[i]?.set(value, 0);
    });
  }
  const weighed = constraints.map((constraint, i) => {
    const perNode = counters.get(signatureOf(constraint.selector, pod.namespace), (other) =>
      counts(constraint.selector, pod.namespace, other),
    ).perNode;
    const sums = domains[i] as Map<string, number>;
    const size = constraint.topologyKey === hostnameLabel ? feasible.length - ignored.size : sums.size;
    for (const [node, count] of perNode) {
      if (constraint.topologyKey === hostnameLabel) break;
      if (requireAllKeys && !hasAllKeys(node, constraints)) continue;
      const value = node.labels[constraint.topologyKey];
      const sum = value === undefined ? undefined : sums.get(value);
      if (sum === undefined || !includesNode(constraint, node, pod.pod, required)) continue;
      sums.set(value as string, sum + count);
    }
    return { constraint, perNode, domains: sums, weight: Math.log(size + 2) };
  });
  return { weighed, ignored };
}

/** Fewer pods, less; to be turned around by `normalizeSpread`. */
export function spreadScore({ weighed, ignored }: SpreadScores, node: NodeInfo): number {
  if (ignored.has(node)) return 0;
  let sum = 0;
  for (const { constraint, weight, domains, perNode } of weighed) {
    const value = node.labels[constraint.topologyKey];
    if (value === undefined) continue;
    const count =
      constraint.topologyKey === hostnameLabel ? (perNode.get(node) ?? 0) : (domains.get(value) ?? 0);
    sum += count * weight + (constraint.maxSkew - 1);
  }
  return Math.round(sum);
}

export function normalizeSpread(
  { ignored }: SpreadScores,
  nodes: readonly NodeInfo[],
  scores: number[],
): void {
  let least = Number.POSITIVE_INFINITY;
  let greatest = 0;
  for (let i = 0; i < nodes.length; i++) {
    if (ignored.has(nodes[i] as NodeInfo)) continue;
    const score = scores[i] as number;
    least = Math.min(least, score);
    greatest = Math.max(greatest, score);
  }
  for (let i = 0; i < nodes.length; i++) {
    if (ignored.has(nodes[i] as NodeInfo)) scores[i] = 0;
    else if (greatest === 0) scores[i] = maxNodeScore;
    else scores[i] = Math.trunc((maxNodeScore * (greatest + least - (scores[i] as number))) / greatest);
  }
}

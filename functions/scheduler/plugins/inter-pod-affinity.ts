import type { Namespace, Node, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { matchesLabels } from '../../../lib/api/selectors/index.ts';
import { type AffinityTerm, termMatches } from '../framework/affinity-terms.ts';
import { stateKey } from '../framework/cycle-state.ts';
import type { ClusterEvent } from '../framework/events.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import { maxNodeScore, type Plugin, type PluginContext } from '../framework/plugin.ts';
import { DomainView, PodCounters } from '../framework/pod-counters.ts';
import { type PodInfo, podInfoOf } from '../framework/pod-info.ts';
import { skip, unresolvable, unschedulable } from '../framework/status.ts';
import { ExistingTerms } from './existing-terms.ts';

export interface InterPodAffinityArgs {
  /** What a required affinity of a pod that is there already adds to a node's score. Default 1; 0 to 100. */
  hardPodAffinityWeight?: number;
  /** Leaves out preferred terms of pods that are there when the pod to place has none. */
  ignorePreferredTermsOfExistingPods?: boolean;
}

interface CountedTerm {
  readonly term: AffinityTerm;
  readonly domains: DomainView;
}

/** Where the pod may and must not be, as counts of pods by domain; preemption changes copies of it. */
class Constraints {
  readonly affinity: readonly CountedTerm[];
  readonly antiAffinity: readonly CountedTerm[];
  /** Terms of pods on nodes that keep this pod away from them. */
  readonly existing: readonly CountedTerm[];
  /** Whether the pod is one that all its own affinity terms ask for. */
  readonly matchesItself: boolean;

  constructor(parts: Omit<Constraints, 'clone'>) {
    this.affinity = parts.affinity;
    this.antiAffinity = parts.antiAffinity;
    this.existing = parts.existing;
    this.matchesItself = parts.matchesItself;
  }

  clone(): Constraints {
    const copies = (terms: readonly CountedTerm[]) =>
      terms.map(({ term, domains }) => ({ term, domains: domains.clone() }));
    return new Constraints({
      affinity: copies(this.affinity),
      antiAffinity: copies(this.antiAffinity),
      existing: copies(this.existing),
      matchesItself: this.matchesItself,
    });
  }
}

type DomainScores = ReadonlyMap<string, ReadonlyMap<string, number>>;

const constraintsKey = stateKey<Constraints>('inter-pod affinity');
const scoresKey = stateKey<DomainScores>('inter-pod affinity scores');
const noAffinity = unresolvable("node(s) didn't match pod affinity rules");
const antiAffinity = unschedulable("node(s) didn't match pod anti-affinity rules");
const existingAntiAffinity = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

/** Affinity and anti-affinity between pods, in both directions: of the pod to place, and of those that are there. */
export function interPodAffinity(args: InterPodAffinityArgs, { snapshot }: PluginContext): Plugin {
  const hardWeight = args.hardPodAffinityWeight ?? 1;
  const counters = new PodCounters(snapshot);
  const existing = new ExistingTerms(snapshot);
  const namespaceLabels = (name: string) => snapshot.namespaceLabels(name);
  const matches = (term: AffinityTerm, pod: PodInfo) =>
    termMatches(term, pod.namespace, pod.labels, namespaceLabels);
  const matchesAll = (terms: readonly AffinityTerm[], pod: PodInfo) =>
    terms.length > 0 && terms.every((term) => matches(term, pod));

  function constraintsOf(pod: PodInfo): Constraints {
    const required = pod.affinity?.required ?? [];
    // Only a pod that all terms ask for counts, for each of them.
    const together = required.map((term) => term.podsSignature).join('\n');
    const wanted =
      required.length > 0
        ? counters.get(`all\n${together}`, (other) => matchesAll(required, other))
        : undefined;
    const unwanted: CountedTerm[] = [];
    for (const { term, counter } of existing.of('requiredAnti')) {
      if (matches(term, pod))
        unwanted.push({ term, domains: new DomainView(counter.domains(term.topologyKey)) });
    }
    return new Constraints({
      affinity: required.map((term) => ({
        term,
        domains: new DomainView(wanted?.domains(term.topologyKey) ?? new Map()),
      })),
      antiAffinity: (pod.affinity?.requiredAnti ?? []).map((term) => ({
        term,
        domains: new DomainView(counterOf(term).domains(term.topologyKey)),
      })),
      existing: unwanted,
      matchesItself: matchesAll(required, pod),
    });
  }

  function counterOf(term: AffinityTerm) {
    return counters.get(term.podsSignature, (other) => matches(term, other));
  }

  /** Keeps the constraints of `pod` right when `other` is put on the node or taken off it. */
  function update(
    constraints: Constraints,
    pod: PodInfo,
    other: PodInfo,
    node: NodeInfo,
    times: 1 | -1,
  ): Constraints {
    const change = ({ term, domains }: CountedTerm) => {
      const value = node.labels[term.topologyKey];
      if (value !== undefined) domains.add(value, times);
    };
    if (matchesAll(pod.affinity?.required ?? [], other)) constraints.affinity.forEach(change);
    for (const counted of constraints.antiAffinity) if (matches(counted.term, other)) change(counted);
    const added: CountedTerm[] = [];
    for (const term of other.affinity?.requiredAnti ?? []) {
      if (!matches(term, pod)) continue;
      const known = constraints.existing.find(
        (counted) =>
          counted.term.topologyKey === term.topologyKey && counted.term.podsSignature === term.podsSignature,
      );
      if (!known) added.push({ term, domains: new DomainView(new Map()) });
      change(known ?? (added.at(-1) as CountedTerm));
    }
    return added.length === 0
      ? constraints
      : new Constraints({
          affinity: constraints.affinity,
          antiAffinity: constraints.antiAffinity,
          matchesItself: constraints.matchesItself,
          existing: [...constraints.existing, ...added],
        });
  }

  function domainScores(pod: PodInfo): DomainScores {
    const scores = new Map<string, Map<string, number>>();
    const add = (key: string, domains: ReadonlyMap<string, number>, weight: number) => {
      if (weight === 0 || domains.size === 0) return;
      const sums = scores.get(key) ?? new Map<string, number>();
      for (const [value, count] of domains) sums.set(value, (sums.get(value) ?? 0) + count * weight);
      scores.set(key, sums);
    };
    const own = pod.affinity;
    for (const { term, weight } of own?.preferred ?? [])
      add(term.topologyKey, counterOf(term).domains(term.topologyKey), weight);
    for (const { term, weight } of own?.preferredAnti ?? [])
      add(term.topologyKey, counterOf(term).domains(term.topologyKey), -weight);
    for (const { term, weight, counter } of existing.of('preferred')) {
      if (matches(term, pod)) add(term.topologyKey, counter.domains(term.topologyKey), weight);
    }
    if (hardWeight > 0) {
      for (const { term, counter } of existing.of('required')) {
        if (matches(term, pod)) add(term.topologyKey, counter.domains(term.topologyKey), hardWeight);
      }
    }
    return scores;
  }

  return {
    name: 'InterPodAffinity',
    events: [
      { resource: 'AssignedPod', actions: ['Add', 'Delete', 'UpdatePodLabel'], hint: podMayHelp },
      { resource: 'Pod', actions: ['UpdatePodLabel'] },
      { resource: 'Node', actions: ['Add', 'UpdateNodeLabel'], hint: nodeMayHelp },
      { resource: 'Namespace', actions: ['Add', 'Update'], hint: namespaceMayHelp },
    ],
    preFilter(state, pod) {
      const constraints = constraintsOf(pod);
      const { affinity, antiAffinity: anti, existing: others } = constraints;
      state.write(constraintsKey, constraints);
      return affinity.length + anti.length + others.length === 0 ? { status: skip } : undefined;
    },
    addPod(state, pod, added, node) {
      state.write(constraintsKey, update(state.read(constraintsKey), pod, added, node, 1));
    },
    removePod(state, pod, removed, node) {
      state.write(constraintsKey, update(state.read(constraintsKey), pod, removed, node, -1));
    },
    filter(state, _pod, node) {
      const constraints = state.read(constraintsKey);
      if (!satisfiesAffinity(constraints, node)) return noAffinity;
      if (constraints.antiAffinity.some((counted) => hasPods(counted, node))) return antiAffinity;
      if (constraints.existing.some((counted) => hasPods(counted, node))) return existingAntiAffinity;
      return undefined;
    },
    preScore(state, pod) {
      const prefers = (pod.affinity?.preferred.length ?? 0) + (pod.affinity?.preferredAnti.length ?? 0) > 0;
      if (!prefers && args.ignorePreferredTermsOfExistingPods) return skip;
      const scores = domainScores(pod);
      if (scores.size === 0) return skip;
      state.write(scoresKey, scores);
      return undefined;
    },
    score(state, _pod, node) {
      let sum = 0;
      for (const [key, domains] of state.read(scoresKey)) {
        const value = node.labels[key];
        if (value !== undefined) sum += domains.get(value) ?? 0;
      }
      return sum;
    },
    normalizeScores: (_state, _pod, _nodes, scores) => spreadOut(scores),
  };

  function podMayHelp(pod: PodInfo, { before, after }: ClusterEvent): 'Queue' | 'Skip' {
    const was = before && podInfoOf(before as Persisted<Pod>);
    const is = after && podInfoOf(after as Persisted<Pod>);
    const required = pod.affinity?.required ?? [];
    const joins = is && matchesAll(required, is) && !(was && matchesAll(required, was));
    if (joins) return 'Queue';
    const anti = pod.affinity?.requiredAnti ?? [];
    const leaves = was && anti.some((term) => matches(term, was) && !(is && matches(term, is)));
    if (leaves) return 'Queue';
    const released = was && !is && was.affinity?.requiredAnti.some((term) => matches(term, pod));
    return released ? 'Queue' : 'Skip';
  }

  /** Terms of pods on nodes that keep the pod away, which kube-scheduler leaves to its flush, are looked at too. */
  function nodeMayHelp(pod: PodInfo, { before, after }: ClusterEvent): 'Queue' | 'Skip' {
    const was = before && (before as Node).metadata.labels;
    const is = (after as Node).metadata.labels ?? {};
    const joins = ({ topologyKey }: AffinityTerm) =>
      is[topologyKey] !== undefined && (!before || was?.[topologyKey] !== is[topologyKey]);
    // A new node may be in a domain of its own, or in none.
    const leaves = ({ topologyKey }: AffinityTerm) =>
      !before || (was?.[topologyKey] !== undefined && was[topologyKey] !== is[topologyKey]);
    if (pod.affinity?.required.some(joins) || pod.affinity?.requiredAnti.some(leaves)) return 'Queue';
    for (const { term } of existing.of('requiredAnti')) {
      if (leaves(term) && matches(term, pod)) return 'Queue';
    }
    return 'Skip';
  }

  /** Whether a term that bears on the pod speaks of the namespace now and did not before, or the other way round. */
  function namespaceMayHelp(pod: PodInfo, { before, after }: ClusterEvent): 'Queue' | 'Skip' {
    const { name, labels = {} } = (after as Namespace).metadata;
    const selects = ({ namespaceSelector }: AffinityTerm, of: Readonly<Record<string, string>> | undefined) =>
      !namespaceSelector.nothing && matchesLabels(namespaceSelector, of);
    const was = before && (before.metadata.labels ?? {});
    const changed = (term: AffinityTerm) => selects(term, was) !== selects(term, labels);
    const own = [...(pod.affinity?.required ?? []), ...(pod.affinity?.requiredAnti ?? [])];
    if (own.some(changed)) return 'Queue';
    if (name !== pod.namespace) return 'Skip';
    for (const { term } of existing.of('requiredAnti')) if (changed(term)) return 'Queue';
    return 'Skip';
  }
}

function hasPods({ term, domains }: CountedTerm, node: NodeInfo): boolean {
  const value = node.labels[term.topologyKey];
  return value !== undefined && domains.get(value) > 0;
}

/** The first of a group that asks for its own company may go anywhere the topology reaches: nobody is there yet. */
function satisfiesAffinity({ affinity, matchesItself }: Constraints, node: NodeInfo): boolean {
  let allThere = true;
  for (const { term, domains } of affinity) {
    const value = node.labels[term.topologyKey];
    if (value === undefined) return false;
    if (domains.get(value) <= 0) allThere = false;
  }
  return allThere || (matchesItself && affinity.every(({ domains }) => domains.isEmpty()));
}

/** The least becomes 0, the greatest 100; all alike, all become 0. */
function spreadOut(scores: number[]): void {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    least = Math.min(least, score);
    greatest = Math.max(greatest, score);
  }
  const difference = greatest - least;
  for (let i = 0; i < scores.length; i++) {
    const share = difference > 0 ? ((scores[i] as number) - least) / difference : 0;
    scores[i] = Math.trunc(maxNodeScore * share);
  }
}

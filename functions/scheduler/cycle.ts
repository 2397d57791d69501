import { CycleState } from './framework/cycle-state.ts';
import type { Diagnosis } from './framework/fit-error.ts';
import type { NodeInfo } from './framework/node-info.ts';
import { NodeStatuses } from './framework/node-statuses.ts';
import type { Nominator } from './framework/nominator.ts';
import type { PodInfo } from './framework/pod-info.ts';
import { podKindOf } from './framework/pod-kind.ts';
import {
  activeFilters,
  type Profile,
  runFilters,
  runPostFilter,
  runPreFilter,
  runScores,
  type With,
} from './framework/profile.ts';
import { type Recalled, Refusals } from './framework/refusals.ts';
import type { Snapshot } from './framework/snapshot.ts';
import { errorStatus, isRejected, type Status, statusMessage } from './framework/status.ts';

/** What a cycle came to. */
export type Decision =
  | { outcome: 'node'; nodeName: string; state: CycleState }
  | { outcome: 'unfit'; diagnosis: Diagnosis; nominatedNodeName: string | undefined }
  | { outcome: 'noNodes' }
  | { outcome: 'error'; status: Status };

/** Nodes that are looked at by every cycle at least, where there are so many. */
const minFeasibleNodes = 100;
const minPercentage = 5;

/** Finds a node for one pod at a time. Synchronous: nothing changes while it decides. */
export class SchedulingAlgorithm {
  readonly #snapshot: Snapshot;
  readonly #nominator: Nominator;
  readonly #random: () => number;
  readonly #refusals: Refusals;
  /** Where the next cycle begins to look, so that all nodes get their turn. */
  #nextNode = 0;

  constructor(snapshot: Snapshot, nominator: Nominator, random: () => number) {
    this.#snapshot = snapshot;
    this.#nominator = nominator;
    this.#random = random;
    this.#refusals = new Refusals(snapshot);
  }

  decide(profile: Profile, pod: PodInfo): Decision {
    const snapshot = this.#snapshot;
    if (snapshot.nodes.length === 0) return { outcome: 'noNodes' };
    const state = new CycleState();
    const preFilter = runPreFilter(profile, state, pod, snapshot);
    if (!preFilter.ok) {
      const { status } = preFilter;
      if (!isRejected(status)) return { outcome: 'error', status };
      return this.#unfit(profile, state, pod, {
        ...rejections([status]),
        allNodes: snapshot.nodes.length,
        nodeStatuses: new NodeStatuses(status),
        preFilterMessage: statusMessage(status),
      });
    }
    const { feasible, statuses, failure } = this.#feasibleNodes(profile, state, pod, preFilter);
    if (failure) return { outcome: 'error', status: failure };
    if (feasible.length === 0) {
      const plugins = rejections(statuses.counts.keys());
      for (const plugin of preFilter.narrowedBy) plugins.unschedulablePlugins.add(plugin);
      return this.#unfit(profile, state, pod, {
        ...plugins,
        allNodes: snapshot.nodes.length,
        nodeStatuses: statuses,
      });
    }
    try {
      const node =
        feasible.length === 1 ? (feasible[0] as NodeInfo) : this.#best(profile, state, pod, feasible);
      return { outcome: 'node', nodeName: node.name, state };
    } catch (error) {
      return { outcome: 'error', status: errorStatus(error) };
    }
  }

  #feasibleNodes(
    profile: Profile,
    state: CycleState,
    pod: PodInfo,
    { nodeNames, narrowedBy }: { nodeNames: ReadonlySet<string> | undefined; narrowedBy: readonly string[] },
  ): Recalled {
    const statuses = new NodeStatuses(absentAfter(narrowedBy));
    const filters = activeFilters(profile, state);
    const check = this.#checker(profile, filters, state, pod);
    const nominated = this.#nominator.nodeOf(pod.key) ?? pod.pod.status?.nominatedNodeName;
    const nominatedNode = nominated && this.#snapshot.node(nominated);
    if (nominatedNode && (!nodeNames || nodeNames.has(nominatedNode.name)) && !check(nominatedNode)) {
      return { feasible: [nominatedNode], statuses };
    }
    // A pod's own nomination does not count against it, which makes it unlike its kind.
    const kind =
      !nodeNames && !nominated && filters.every((plugin) => plugin.filtersByNodeAlone)
        ? podKindOf(pod)
        : undefined;
    const recalled = kind && this.#refusals.recall(profile, kind, check);
    if (recalled) return recalled;
    const nodes = nodeNames ? nodesNamed(this.#snapshot, nodeNames) : this.#snapshot.nodes;
    const enough =
      profile.score.length === 0 ? 1 : feasibleNodesToFind(nodes.length, profile.percentageOfNodesToScore);
    const feasible: NodeInfo[] = [];
    const start = this.#nextNode % Math.max(1, nodes.length);
    let processed = 0;
    for (; processed < nodes.length && feasible.length < enough; processed++) {
      const at = start + processed;
      const node = nodes[at < nodes.length ? at : at - nodes.length] as NodeInfo;
      const status = check(node);
      if (!status) feasible.push(node);
      else if (isRejected(status)) statuses.add(node, status);
      else return { feasible: [], statuses, failure: status };
    }
    this.#nextNode = (this.#nextNode + processed) % this.#snapshot.nodes.length;
    if (kind && feasible.length === 0) this.#refusals.remember(profile, kind, statuses);
    return { feasible, statuses };
  }

  /**
   * Asks the Filters of a node. Most nodes of a full cluster say the same of each of many like pods until something about
   * the node changes, be it a nomination: then what they said is kept, with the node. That a pod fits is kept only while
   * there are nominations, which make it costly to find out; the pod takes such a node otherwise, and changes it.
   */
  #checker(
    profile: Profile,
    filters: readonly With<'filter'>[],
    state: CycleState,
    pod: PodInfo,
  ): (node: NodeInfo) => Status | undefined {
    const ask = (node: NodeInfo) => this.filterWithNominated(profile, filters, state, pod, node);
    if (!filters.every((plugin) => plugin.filtersByNodeAlone)) return ask;
    // A pod's own nomination does not count against it, which makes it unlike its kind.
    if (this.#nominator.nodeOf(pod.key) !== undefined) return ask;
    const keepsAll = !this.#nominator.isEmpty;
    const kind = podKindOf(pod);
    return (node) => {
      const { generation, verdict } = node;
      if (
        verdict?.kind === kind &&
        verdict.generation === generation &&
        verdict.nominations === this.#nominator.version(node.name)
      ) {
        return verdict.status;
      }
      const status = ask(node);
      if (status ? isRejected(status) : keepsAll) {
        node.verdict = { kind, generation, nominations: this.#nominator.version(node.name), status };
      }
      return status;
    };
  }

  /**
   * A node must take the pod together with the nominated pods of no lower priority, and also without them: they may
   * never come, and the pod may need them (affinity).
   */
  filterWithNominated(
    profile: Profile,
    filters: readonly With<'filter'>[],
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
  ): Status | undefined {
    // First without them: this is the quick one, and as a rule the one that fails.
    const status = runFilters(filters, state, pod, node);
    if (status) return status;
    if (this.#nominator.isEmpty) return undefined;
    const others = this.#nominator
      .on(node.name)
      .filter(
        (other) => other.priority >= pod.priority && other.key !== pod.key && !node.pods.has(other.key),
      );
    if (others.length === 0) return undefined;
    const byNodeAlone = filters.every((plugin) => plugin.filtersByNodeAlone);
    const tryState = byNodeAlone ? state : state.clone();
    // Put on the node and taken off again: in a wave of preemptions this is done for many nodes in every cycle.
    const { generation } = node;
    for (const other of others) {
      node.addPod(other);
      if (byNodeAlone) continue;
      for (const plugin of profile.preFilter) plugin.addPod?.(tryState, pod, other, node);
    }
    try {
      return runFilters(filters, tryState, pod, node);
    } finally {
      for (const other of others) node.removePod(other.key);
      node.generation = generation;
    }
  }

  /** The highest score; one of those that share it by chance, so that they fill up alike. */
  #best(profile: Profile, state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): NodeInfo {
    const scores = runScores(profile, state, pod, nodes, this.#snapshot);
    let best = 0;
    let alike = 1;
    for (let i = 1; i < nodes.length; i++) {
      const difference = (scores[i] as number) - (scores[best] as number);
      if (difference > 0) {
        best = i;
        alike = 1;
      } else if (difference === 0 && this.#random() * ++alike < 1) best = i;
    }
    return nodes[best] as NodeInfo;
  }

  #unfit(profile: Profile, state: CycleState, pod: PodInfo, diagnosis: Diagnosis): Decision {
    if (profile.postFilter.length === 0) return { outcome: 'unfit', diagnosis, nominatedNodeName: '' };
    const run = runPostFilter(profile, state, pod, this.#snapshot, diagnosis.nodeStatuses);
    const unschedulablePlugins = new Set([...diagnosis.unschedulablePlugins, ...run.rejectedBy]);
    return {
      outcome: 'unfit',
      diagnosis: { ...diagnosis, unschedulablePlugins, postFilterMessage: run.message },
      nominatedNodeName: run.nominatedNodeName,
    };
  }
}

/** How many feasible nodes are enough, in a cluster of `nodes`. `percentage` 0 lets the size decide. */
export function feasibleNodesToFind(nodes: number, percentage: number): number {
  if (nodes < minFeasibleNodes) return nodes;
  const share = percentage > 0 ? percentage : Math.max(minPercentage, 50 - Math.floor(nodes / 125));
  return Math.min(nodes, Math.max(minFeasibleNodes, Math.floor((nodes * share) / 100)));
}

function nodesNamed(snapshot: Snapshot, names: ReadonlySet<string>): NodeInfo[] {
  return [...names].map((name) => snapshot.node(name)).filter((node) => node !== undefined);
}

/** What is said of nodes that PreFilter has left out. */
function absentAfter(narrowedBy: readonly string[]): Status {
  return {
    code: 'UnschedulableAndUnresolvable',
    reasons: narrowedBy.length > 0 ? [`node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`] : [],
  };
}

function rejections(statuses: Iterable<Status>): {
  unschedulablePlugins: Set<string>;
  pendingPlugins: Set<string>;
} {
  const unschedulablePlugins = new Set<string>();
  const pendingPlugins = new Set<string>();
  for (const { plugin, code } of statuses) {
    if (plugin) (code === 'Pending' ? pendingPlugins : unschedulablePlugins).add(plugin);
  }
  return { unschedulablePlugins, pendingPlugins };
}

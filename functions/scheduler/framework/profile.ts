import type { CycleState } from './cycle-state.ts';
import type { Diagnosis } from './fit-error.ts';
import type { NodeInfo } from './node-info.ts';
import { NodeStatuses } from './node-statuses.ts';
import type { Plugin, PostFilterOutcome } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';
import { by, errorStatus, type Status, statusMessage } from './status.ts';

/** A plugin that is known to implement the named extension point. */
export type With<K extends keyof Plugin> = Plugin & Required<Pick<Plugin, K>>;

export interface Weighted {
  readonly plugin: With<'score'>;
  readonly weight: number;
}

/** The plugins of one profile, by extension point, each list in the order in which they run. */
export interface Profile {
  readonly schedulerName: string;
  /** 0: as many as the size of the cluster asks for. */
  readonly percentageOfNodesToScore: number;
  readonly preEnqueue: readonly With<'preEnqueue'>[];
  readonly queueSort: With<'compare'>;
  readonly preFilter: readonly With<'preFilter'>[];
  readonly filter: readonly With<'filter'>[];
  readonly postFilter: readonly With<'postFilter'>[];
  readonly preScore: readonly With<'preScore'>[];
  readonly score: readonly Weighted[];
  readonly reserve: readonly With<'reserve' | 'unreserve'>[];
  readonly permit: readonly With<'permit'>[];
  readonly preBind: readonly With<'preBind'>[];
  readonly bind: readonly With<'bind'>[];
  readonly postBind: readonly With<'postBind'>[];
  /** Every plugin of the profile, for their events. */
  readonly plugins: readonly Plugin[];
}

export type PreFilterOutcome =
  | { ok: true; nodeNames: ReadonlySet<string> | undefined; narrowedBy: readonly string[] }
  | { ok: false; status: Status };

/** Runs every PreFilter, notes whose Filter has nothing to say, and meets the sets of nodes worth looking at. */
export function runPreFilter(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  snapshot: Snapshot,
): PreFilterOutcome {
  let nodeNames: ReadonlySet<string> | undefined;
  const narrowedBy: string[] = [];
  for (const plugin of profile.preFilter) {
    const result = guarded(() => plugin.preFilter(state, pod, snapshot));
    if ('failure' in result) return { ok: false, status: by(plugin.name, result.failure) };
    const { status, nodeNames: only } = result.value ?? {};
    if (status?.code === 'Skip') state.skipFilter.add(plugin.name);
    else if (status) return { ok: false, status: by(plugin.name, status) };
    if (!only) continue;
    narrowedBy.push(plugin.name);
    nodeNames = nodeNames ? nodeNames.intersection(only) : only;
    if (nodeNames.size > 0) continue;
    const reason =
      narrowedBy.length === 1
        ? `node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`
        : `node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}] simultaneously`;
    return { ok: false, status: { code: 'UnschedulableAndUnresolvable', reasons: [reason] } };
  }
  return { ok: true, nodeNames, narrowedBy };
}

/** By the set of skipped plugins, which a cycle shares with the copies that it tries things out on. */
const active = new WeakMap<ReadonlySet<string>, readonly With<'filter'>[]>();

/** The Filter plugins that have something to say of this pod: found once a cycle, used for every node. */
export function activeFilters(profile: Profile, state: CycleState): readonly With<'filter'>[] {
  const known = active.get(state.skipFilter);
  if (known) return known;
  const filters = profile.filter.filter((plugin) => !state.skipFilter.has(plugin.name));
  active.set(state.skipFilter, filters);
  return filters;
}

/** The first Filter that turns the node down decides. */
export function runFilters(
  filters: readonly With<'filter'>[],
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
): Status | undefined {
  for (const plugin of filters) {
    const status = plugin.filter(state, pod, node);
    if (status) return by(plugin.name, status);
  }
  return undefined;
}

/** Weighted sums of the normalized scores, in the order of `nodes`. @throws what a plugin throws. */
export function runScores(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
): number[] {
  for (const plugin of profile.preScore) {
    const status = plugin.preScore(state, pod, nodes, snapshot);
    if (status?.code === 'Skip') state.skipScore.add(plugin.name);
    else if (status) throw new Error(`running PreScore plugin "${plugin.name}": ${statusMessage(status)}`);
  }
  const totals = new Array<number>(nodes.length).fill(0);
  const scores = new Array<number>(nodes.length).fill(0);
  for (const { plugin, weight } of profile.score) {
    if (state.skipScore.has(plugin.name)) continue;
    for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score(state, pod, nodes[i] as NodeInfo);
    plugin.normalizeScores?.(state, pod, nodes, scores);
    for (let i = 0; i < nodes.length; i++) {
      const score = scores[i] as number;
      if (!(score >= 0 && score <= 100)) {
        throw new Error(
          `plugin "${plugin.name}" returns an invalid score ${score}, it should in the range of [0, 100] after normalizing`,
        );
      }
      totals[i] = (totals[i] as number) + score * weight;
    }
  }
  return totals;
}

export interface PostFilterRun {
  nominatedNodeName: string | undefined;
  message: string;
  failed: Status | undefined;
  rejectedBy: readonly string[];
}

/** Until one succeeds; their words are joined. */
export function runPostFilter(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  snapshot: Snapshot,
  statuses: NodeStatuses,
): PostFilterRun {
  const messages: string[] = [];
  const rejectedBy: string[] = [];
  let nominatedNodeName: string | undefined;
  for (const plugin of profile.postFilter) {
    const result = guarded<PostFilterOutcome>(() => plugin.postFilter(state, pod, snapshot, statuses));
    const outcome = 'failure' in result ? { status: result.failure } : result.value;
    const status = outcome.status;
    if (!status) {
      return { nominatedNodeName: outcome.nominatedNodeName, message: '', failed: undefined, rejectedBy };
    }
    if (status.code === 'Error') {
      return { nominatedNodeName, message: statusMessage(status), failed: status, rejectedBy };
    }
    rejectedBy.push(plugin.name);
    if (outcome.nominatedNodeName !== undefined) nominatedNodeName ??= outcome.nominatedNodeName;
    if (status.reasons.length > 0) messages.push(statusMessage(status));
  }
  return { nominatedNodeName, message: messages.join(', '), failed: undefined, rejectedBy };
}

/** Reserve of every plugin; the first that fails ends it, and the caller calls `runUnreserve`. */
export function runReserve(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  nodeName: string,
): Status | undefined {
  for (const plugin of profile.reserve) {
    const result = guarded(() => plugin.reserve(state, pod, nodeName));
    const status = 'failure' in result ? result.failure : result.value;
    if (status) return by(plugin.name, status);
  }
  return undefined;
}

/** In the opposite order of Reserve. */
export function runUnreserve(profile: Profile, state: CycleState, pod: PodInfo, nodeName: string): void {
  for (const plugin of profile.reserve.toReversed()) plugin.unreserve(state, pod, nodeName);
}

/** The diagnosis of a pod that one node, already chosen, turned down. */
export function diagnosisOf(status: Status): Diagnosis {
  return {
    allNodes: 1,
    nodeStatuses: new NodeStatuses(status),
    unschedulablePlugins: new Set(status.plugin && status.code !== 'Pending' ? [status.plugin] : []),
    pendingPlugins: new Set(status.plugin && status.code === 'Pending' ? [status.plugin] : []),
  };
}

function guarded<T>(run: () => T): { value: T } | { failure: Status } {
  try {
    return { value: run() };
  } catch (error) {
    return { failure: errorStatus(error) };
  }
}

import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { EventRecorder } from '../../../lib/client/events.ts';
import type { Informers } from '../../../lib/client/informers.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import type { Logger } from '../../../lib/log.ts';
import type { ClusterObjects } from './cluster-objects.ts';
import type { CycleState } from './cycle-state.ts';
import type { ClusterEvent, EventAction, EventResource, QueueingHint } from './events.ts';
import type { NodeInfo } from './node-info.ts';
import type { NodeStatuses } from './node-statuses.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';
import type { Status } from './status.ts';

/** The highest score of a node from one plugin, and the lowest is 0. */
export const maxNodeScore = 100;

/**
 * A plugin implements any of the extension points of the scheduling framework (KEP-624). Those up to Reserve run
 * synchronously, so that nothing changes under them; those that may have to wait are asynchronous.
 */
export interface Plugin
  extends Partial<PreEnqueuePlugin>,
    Partial<QueueSortPlugin>,
    Partial<PreFilterPlugin>,
    Partial<FilterPlugin>,
    Partial<PostFilterPlugin>,
    Partial<PreScorePlugin>,
    Partial<ScorePlugin>,
    Partial<ReservePlugin>,
    Partial<PermitPlugin>,
    Partial<PreBindPlugin>,
    Partial<BindPlugin>,
    Partial<PostBindPlugin> {
  readonly name: string;
  /**
   * Gets ready for a pod like this one; undefined when it is. A cycle never waits, so this is waited for before the cycle: for
   * what few pods need and is large to load.
   */
  load?(pod: PodInfo): Promise<void> | undefined;
  /** What can make a pod schedulable that this plugin turned down. None: only the periodic flush does. */
  readonly events?: readonly EventHint[];
}

export interface EventHint {
  readonly resource: EventResource;
  readonly actions: readonly EventAction[];
  /** Whether this very change may help this very pod. Absent: it may. */
  readonly hint?: (pod: PodInfo, event: ClusterEvent) => QueueingHint;
}

/** Before a pod enters the active queue. Turned down, it stays out until an event of the plugin. */
interface PreEnqueuePlugin {
  preEnqueue(pod: Persisted<Pod>): Status | undefined;
}

export interface QueuedPod {
  readonly info: PodInfo;
  /** When it was last put into the queue, in ms. */
  readonly timestampMs: number;
}

/** Which of two waiting pods goes first: less than 0 for `a`. Exactly one in a profile, the same in all profiles. */
interface QueueSortPlugin {
  compare(a: QueuedPod, b: QueuedPod): number;
}

export interface PreFilterResult {
  status?: Status;
  /** The only nodes worth looking at. Absent: all. */
  nodeNames?: ReadonlySet<string>;
}

/** Once for a pod, before any node is looked at. `Skip` leaves out the plugin's Filter. */
interface PreFilterPlugin {
  preFilter(state: CycleState, pod: PodInfo, snapshot: Snapshot): PreFilterResult | undefined;
  /** Keeps the state right while preemption tries out pods on a node, and for nominated pods. */
  addPod?(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  removePod?(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
}

interface FilterPlugin {
  /** Set where Filter goes by nothing but the pod's specification and the node with its pods: answers can be kept. */
  readonly filtersByNodeAlone?: true;
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
}

export type PostFilterOutcome =
  | { status: Status; nominatedNodeName?: undefined }
  /** '' takes a nomination away. */
  | { status?: Status; nominatedNodeName: string };

/** When no node was feasible. The first that succeeds ends it. */
interface PostFilterPlugin {
  postFilter(
    state: CycleState,
    pod: PodInfo,
    snapshot: Snapshot,
    nodeStatuses: NodeStatuses,
  ): PostFilterOutcome;
}

/** Once for a pod, with the feasible nodes. `Skip` leaves out the plugin's Score. */
interface PreScorePlugin {
  preScore(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    snapshot: Snapshot,
  ): Status | undefined;
}

interface ScorePlugin {
  /** Any number when there is a `normalizeScores`, otherwise 0 to 100. Whole. */
  score(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  /** Turns the scores, which stand in the order of `nodes`, into 0 to 100, in place. */
  normalizeScores?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[], scores: number[]): void;
}

/** After a node was chosen. `unreserve` is called whatever fails later, also for a plugin whose reserve failed; it never fails. */
interface ReservePlugin {
  reserve(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;
  unreserve(state: CycleState, pod: PodInfo, nodeName: string): void;
}

export interface PermitOutcome {
  status: Status;
  /** With `Wait`: rejected when it was not allowed within that time. At most 15 minutes. */
  timeoutMs?: number;
}

interface PermitPlugin {
  permit(state: CycleState, pod: PodInfo, nodeName: string): PermitOutcome | undefined;
}

interface PreBindPlugin {
  preBind(
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<Status | undefined>;
}

/** The first that does not answer `Skip` binds. */
interface BindPlugin {
  bind(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Status | undefined>;
}

interface PostBindPlugin {
  postBind(state: CycleState, pod: PodInfo, nodeName: string): void;
}

/** What plugins may use. */
export interface PluginContext {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly snapshot: Snapshot;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly profileName: string;
  /** What there is besides nodes, pods and namespaces. */
  readonly objects: ClusterObjects;
  /** Ends with the scheduler. */
  readonly signal: AbortSignal;
  /** Filters of the whole profile, for plugins that try out other states of a node. */
  readonly framework: FrameworkHandle;
}

export interface FrameworkHandle {
  /** All Filter plugins, with the nominated pods of higher priority taken to be on the node. */
  filterWithNominated(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
  /** Whether every Filter that has something to say of the pod goes by the node alone. */
  filtersByNodeAlone(state: CycleState): boolean;
  /** Pods that have a nomination for the node and wait. */
  nominatedPods(nodeName: string): readonly PodInfo[];
  /** Another number whenever these are others. */
  nominationsVersion(nodeName: string): number;
  /** Whether the API still has this very pod. */
  podExists(pod: Persisted<Pod>): boolean;
  /** Puts the pod, should it wait, where it is tried again at once. */
  activate(podKey: string): void;
  /** Preemption has found a node, with so many victims. */
  madeRoom(victims: number): void;
  /** Takes away the nomination of a pod. */
  clearNomination(podKey: string): void;
  /** Allowing and rejecting pods that wait at Permit. */
  waitingPod(podKey: string): WaitingPod | undefined;
}

export interface WaitingPod {
  readonly pod: PodInfo;
  readonly nodeName: string;
  allow(plugin: string): void;
  reject(plugin: string, message: string): void;
}

/** Makes a plugin from the `args` of its `pluginConfig` entry (undefined where there is none). Throws ConfigError. */
export type PluginFactory = (
  args: Readonly<Record<string, unknown>> | undefined,
  context: PluginContext,
) => Plugin;

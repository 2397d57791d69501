import type { Node, Pod, TopologySpreadConstraint } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import {
  matchesLabels,
  type Selector,
  selectorFromLabels,
  selectorFromObject,
} from '../../../lib/api/selectors/index.ts';
import type { ClusterObjects } from '../framework/cluster-objects.ts';
import { stateKey } from '../framework/cycle-state.ts';
import type { ClusterEvent } from '../framework/events.ts';
import { NodeDomains } from '../framework/node-domains.ts';
import type { Plugin, PluginContext } from '../framework/plugin.ts';
import { PodCounters } from '../framework/pod-counters.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { skip } from '../framework/status.ts';
import { differ } from '../object-changes.ts';
import { constraintsOf, hostnameLabel, type SpreadConstraint } from './spread-constraints.ts';
import { Spread } from './spread-filter.ts';
import { normalizeSpread, type SpreadScores, spreadScore, spreadScores } from './spread-score.ts';

export interface PodTopologySpreadArgs {
  /** For pods that have no constraints of their own. */
  defaultConstraints?: TopologySpreadConstraint[];
  /** `System` (the default): loosely over zones and nodes. `List`: `defaultConstraints`. */
  defaultingType?: 'System' | 'List';
}

const systemDefaults: TopologySpreadConstraint[] = [
  { topologyKey: hostnameLabel, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

const spreadKey = stateKey<Spread>('topology spread');
const scoresKey = stateKey<SpreadScores>('topology spread scores');

/** Spreads pods over the domains of a topology: as a rule (DoNotSchedule) and as a wish (ScheduleAnyway). */
export function podTopologySpread(args: PodTopologySpreadArgs, { snapshot, objects }: PluginContext): Plugin {
  const counters = new PodCounters(snapshot);
  const nodeDomains = new NodeDomains(snapshot);
  const isSystem = (args.defaultingType ?? 'System') === 'System';
  const defaults = isSystem ? systemDefaults : (args.defaultConstraints ?? []);
  const defaultSelector = defaultSelectors(objects);

  function find(pod: Pod, action: 'DoNotSchedule' | 'ScheduleAnyway'): SpreadConstraint[] {
    const own = pod.spec.topologySpreadConstraints ?? [];
    if (own.length > 0) return constraintsOf(pod, own, action);
    if (!defaults.some(({ whenUnsatisfiable }) => whenUnsatisfiable === action)) return [];
    const selector = defaultSelector(pod);
    return selector ? constraintsOf(pod, defaults, action, selector) : [];
  }

  return {
    name: 'PodTopologySpread',
    events: [
      { resource: 'AssignedPod', actions: ['Add', 'Delete', 'UpdatePodLabel'], hint: podMayHelp },
      {
        resource: 'Node',
        actions: ['Add', 'Delete', 'UpdateNodeLabel', 'UpdateNodeTaint'],
        hint: nodeMayHelp,
      },
      { resource: 'Pod', actions: ['UpdatePodLabel', 'UpdatePodToleration'], hint: ownChangeMayHelp },
    ],
    preFilter(state, pod) {
      const constraints = find(pod.pod, 'DoNotSchedule');
      if (constraints.length === 0) return { status: skip };
      state.write(spreadKey, Spread.of(pod, constraints, snapshot, counters, nodeDomains));
      return undefined;
    },
    addPod: (state, pod, added, node) => state.find(spreadKey)?.update(pod, added, node, 1),
    removePod: (state, pod, removed, node) => state.find(spreadKey)?.update(pod, removed, node, -1),
    filter: (state, _pod, node) => state.read(spreadKey).check(node),
    preScore(state, pod, nodes) {
      const constraints = find(pod.pod, 'ScheduleAnyway');
      if (constraints.length === 0) return skip;
      const requireAllKeys = (pod.pod.spec.topologySpreadConstraints?.length ?? 0) > 0 || !isSystem;
      state.write(scoresKey, spreadScores(pod, constraints, requireAllKeys, nodes, counters));
      return undefined;
    },
    score: (state, _pod, node) => spreadScore(state.read(scoresKey), node),
    normalizeScores: (state, _pod, nodes, scores) => normalizeSpread(state.read(scoresKey), nodes, scores),
  };

  function podMayHelp(pod: PodInfo, { before, after }: ClusterEvent): 'Queue' | 'Skip' {
    if ((after ?? before)?.metadata.namespace !== pod.namespace) return 'Skip';
    return selectionChanges(find(pod.pod, 'DoNotSchedule'), before, after) ? 'Queue' : 'Skip';
  }

  function ownChangeMayHelp({ pod }: PodInfo, { actions, before, after }: ClusterEvent): 'Queue' | 'Skip' {
    const constraints = find(pod, 'DoNotSchedule');
    const nodesCountAnew =
      actions.includes('UpdatePodToleration') && constraints.some(({ honorsTaints }) => honorsTaints);
    return nodesCountAnew || selectionChanges(constraints, before, after) ? 'Queue' : 'Skip';
  }

  function nodeMayHelp(pod: PodInfo, { before, after }: ClusterEvent): 'Queue' | 'Skip' {
    const keys = find(pod.pod, 'DoNotSchedule').map(({ topologyKey }) => topologyKey);
    const domains = (node: KubeObject | undefined) => keys.map((key) => node?.metadata.labels?.[key]);
    const takesPart = (node: KubeObject | undefined) =>
      node !== undefined && !domains(node).includes(undefined);
    if (takesPart(before) !== takesPart(after)) return 'Queue';
    if (!takesPart(after)) return 'Skip';
    return differ(domains(before), domains(after)) ||
      differ((before as Node).spec.taints, (after as Node).spec.taints)
      ? 'Queue'
      : 'Skip';
  }
}

/**
 * Whether a constraint counts the pod now and did not before, or the other way round. By its labels: one that is on its way
 * out is not counted any more, and yet it is when it is gone that the pods that wait are tried again.
 */
function selectionChanges(
  constraints: readonly SpreadConstraint[],
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): boolean {
  const selects = ({ selector }: SpreadConstraint, pod: KubeObject | undefined) =>
    pod !== undefined && matchesLabels(selector, pod.metadata.labels ?? {});
  return constraints.some((constraint) => selects(constraint, before) !== selects(constraint, after));
}

/** What the Services and the controller of a pod select; undefined when nothing does. */
function defaultSelectors(objects: ClusterObjects): (pod: Pod) => Selector | undefined {
  return (pod) => {
    const namespace = pod.metadata.namespace ?? '';
    const labels: Record<string, string> = {};
    for (const { spec } of objects.services.list(namespace)) {
      const selector = spec?.selector;
      if (
        selector &&
        Object.keys(selector).length > 0 &&
        matchesLabels(selectorFromLabels(selector), pod.metadata.labels)
      ) {
        Object.assign(labels, selector);
      }
    }
    const requirements = [...selectorFromLabels(labels).requirements];
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
    const ownerKey = `${namespace}/${owner?.name}`;
    switch (`${owner?.apiVersion}/${owner?.kind}`) {
      case 'v1/ReplicationController': {
        const selector = objects.replicationControllers.get(ownerKey)?.spec?.selector;
        if (selector) requirements.push(...selectorFromLabels(selector).requirements);
        break;
      }
      case 'apps/v1/ReplicaSet': {
        const found = objects.replicaSets.get(ownerKey);
        if (found) requirements.push(...selectorFromObject(found.spec.selector).requirements);
        break;
      }
      case 'apps/v1/StatefulSet': {
        const found = objects.statefulSets.get(ownerKey);
        if (found) requirements.push(...selectorFromObject(found.spec?.selector).requirements);
      }
    }
    return requirements.length === 0 ? undefined : { requirements, nothing: false };
  };
}

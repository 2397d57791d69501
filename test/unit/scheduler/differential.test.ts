import { describe, expect, it } from 'vitest';
import { CycleState } from '../../../functions/scheduler/framework/cycle-state.ts';
import type { Plugin } from '../../../functions/scheduler/framework/plugin.ts';
import { podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import { builtInPlugins } from '../../../functions/scheduler/plugins/registry.ts';
import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import fc from '../../support/property.ts';
import { cluster } from './generate.ts';
import * as model from './model.ts';
import * as byNode from './model-node.ts';
import { contextOf } from './world.ts';

const namespaces: Record<string, Record<string, string>> = { default: {}, other: { team: 'blue' } };

interface Rule {
  name: string;
  args?: Record<string, unknown>;
  /** How the case is called where a plugin has several. */
  as?: string;
  filter?: (world: model.World, pod: Pod, node: Node) => 'ok' | 'no' | 'never';
  scores?: (world: model.World, pod: Pod, nodes: Node[]) => number[] | undefined;
}

const rules: Rule[] = [
  {
    name: 'NodeAffinity',
    filter: (_world, pod, node) => model.nodeAffinity(pod, node),
    scores: (_world, pod, nodes) => model.nodeAffinityScores(pod, nodes),
  },
  {
    name: 'TaintToleration',
    filter: (_world, pod, node) => model.taints(pod, node),
    scores: (_world, pod, nodes) => model.taintScores(pod, nodes),
  },
  {
    name: 'NodeResourcesFit',
    filter: model.resources,
    scores: (world, pod, nodes) => nodes.map((node) => model.leastAllocatedScore(world, pod, node)),
  },
  {
    name: 'NodeResourcesFit',
    as: 'NodeResourcesFit (MostAllocated)',
    args: { scoringStrategy: { type: 'MostAllocated' } },
    scores: byNode.mostAllocatedScores,
  },
  {
    name: 'NodeResourcesFit',
    as: 'NodeResourcesFit (RequestedToCapacityRatio)',
    args: {
      scoringStrategy: {
        type: 'RequestedToCapacityRatio',
        requestedToCapacityRatio: { shape: byNode.shape },
      },
    },
    scores: byNode.ratioScores,
  },
  { name: 'NodeResourcesBalancedAllocation', scores: byNode.balancedScores },
  { name: 'ImageLocality', scores: byNode.imageScores },
  { name: 'NodeUnschedulable', filter: (_world, pod, node) => byNode.unschedulable(pod, node) },
  { name: 'NodeName', filter: (_world, pod, node) => byNode.nodeName(pod, node) },
  { name: 'NodePorts', filter: byNode.ports },
  { name: 'InterPodAffinity', filter: model.podAffinity, scores: model.podAffinityScores },
  { name: 'PodTopologySpread', filter: model.spread, scores: model.spreadScores },
];

/** What the plugin says, asked as a cycle asks it: a node that PreFilter leaves out is turned down for good. */
function ask(plugin: Plugin, state: ClusterState, pod: Pod, nodes: Node[]) {
  const info = podInfoOf(pod as Parameters<typeof podInfoOf>[0]);
  const cycle = new CycleState();
  const infos = nodes
    .map(({ metadata }) => state.node(metadata.name ?? ''))
    .filter((found) => found !== undefined);
  const before = plugin.preFilter?.(cycle, info, state);
  const filtered = infos.map((node) => {
    if (before?.status?.code === 'Skip') return 'ok';
    if (before?.nodeNames && !before.nodeNames.has(node.name)) return 'never';
    const status = plugin.filter?.(cycle, info, node);
    if (!status) return 'ok';
    return status.code === 'Unschedulable' ? 'no' : 'never';
  });
  const skipped = plugin.preScore?.(cycle, info, infos, state)?.code === 'Skip';
  const scores = infos.map((node) => (skipped ? 0 : (plugin.score?.(cycle, info, node) ?? 0)));
  if (!skipped) plugin.normalizeScores?.(cycle, info, infos, scores);
  return { filtered, scores: skipped ? undefined : scores };
}

describe.each(rules.map((rule) => ({ ...rule, as: rule.as ?? rule.name })))(
  '$as decides as a literal reading of its rule',
  ({ name, args, filter, scores }) => {
    it('for 1,000 clusters, before and after pods left and nodes changed', () => {
      fc.assert(
        fc.property(cluster, ({ nodes, pods, relabelled, incoming }) => {
          const state = new ClusterState();
          const plugin = builtInPlugins.get(name)?.(args ?? {}, contextOf(state)) as Plugin;
          for (const [namespace, labels] of Object.entries(namespaces)) {
            state.setNamespace({
              spec: {},
              metadata: {
                name: namespace,
                labels,
                uid: namespace,
                resourceVersion: '1',
                creationTimestamp: '',
              },
            });
          }
          for (const node of nodes) state.setNode(node);
          for (const { pod } of pods) state.setPod(pod);
          const compare = (world: model.World) => {
            const said = ask(plugin, state, incoming, world.nodes);
            if (filter)
              expect(said.filtered).toEqual(world.nodes.map((node) => filter(world, incoming, node)));
            const expected = scores?.(world, incoming, world.nodes);
            if (expected && said.scores) expect(said.scores).toEqual(expected);
            if (!expected && scores) expect(said.scores).toBeUndefined();
          };
          compare({ nodes, pods: pods.map(({ pod }) => pod), namespaces });
          // The counts that are kept must follow what changes.
          for (const { pod, leaves } of pods)
            if (leaves) state.removePod(`${pod.metadata.namespace}/${pod.metadata.name}`);
          for (const node of relabelled) state.setNode(node);
          const changed = nodes.map(
            (node) => relabelled.find(({ metadata }) => metadata.name === node.metadata.name) ?? node,
          );
          compare({
            nodes: changed,
            pods: pods.filter(({ leaves }) => !leaves).map(({ pod }) => pod),
            namespaces,
          });
        }),
        { numRuns: 1_000, seed: 20260101 },
      );
    });
  },
);

import type { NodeSelectorTerm } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { stateKey } from '../framework/cycle-state.ts';
import type { ClusterEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { skip, unresolvable } from '../framework/status.ts';
import {
  namedNodes,
  type NodeMatcher,
  nodeSelectorMatcher,
  nodeSelectorTermMatcher,
  requiredNodeAffinity,
} from '../../../lib/api/scheduling/node-selector.ts';
import { scaleToLargest } from './normalize.ts';

export interface NodeAffinityArgs {
  /** Asked for of every pod of the profile, besides what the pod asks for. */
  addedAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] };
    preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeSelectorTerm }[];
  };
}

interface Preference {
  weight: number;
  matches: NodeMatcher;
}

const requiredKey = stateKey<NodeMatcher | undefined>('required node affinity');
const preferredKey = stateKey<readonly Preference[]>('preferred node affinity');
const noMatch = unresolvable("node(s) didn't match Pod's node affinity/selector");
const noAddedMatch = unresolvable("node(s) didn't match scheduler-enforced node affinity");

/** `nodeSelector` and node affinity: required terms filter, preferred ones score by the sum of their weights. */
export function nodeAffinity(args: NodeAffinityArgs = {}): Plugin {
  const { addedAffinity } = args;
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedRequired = added && nodeSelectorMatcher(added);
  const addedPreferred = preferencesOf(addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution);

  return {
    name: 'NodeAffinity',
    filtersByNodeAlone: true,
    events: [
      { resource: 'Node', actions: ['Add', 'UpdateNodeLabel'], hint: mayHelp },
      { resource: 'Pod', actions: ['Update'] },
    ],
    preFilter(state, { pod }) {
      const required = requiredNodeAffinity(pod);
      if (!required && !addedRequired) return { status: skip };
      state.write(requiredKey, required);
      const nodeNames = namedNodes(pod);
      return nodeNames ? { nodeNames } : undefined;
    },
    filter(state, _pod, node) {
      if (addedRequired && !addedRequired(node)) return noAddedMatch;
      const required = state.read(requiredKey);
      return required && !required(node) ? noMatch : undefined;
    },
    preScore(state, { pod }) {
      const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
      if (!preferred?.length && addedPreferred.length === 0) return skip;
      state.write(preferredKey, [...preferencesOf(preferred), ...addedPreferred]);
      return undefined;
    },
    score(state, _pod, node) {
      let sum = 0;
      for (const { weight, matches } of state.read(preferredKey)) if (matches(node)) sum += weight;
      return sum;
    },
    normalizeScores: (_state, _pod, _nodes, scores) => scaleToLargest(scores, false),
  };

  /** A node that did not match, or was not there, and matches now. */
  function mayHelp({ pod }: PodInfo, { before, after }: ClusterEvent): 'Queue' | 'Skip' {
    const required = requiredNodeAffinity(pod);
    const suits = (node: KubeObject | undefined) => {
      if (!node) return false;
      const { name = '', labels = {} } = node.metadata;
      return [addedRequired, required].every((matches) => !matches || matches({ name, labels }));
    };
    return suits(after) && !suits(before) ? 'Queue' : 'Skip';
  }
}

function preferencesOf(terms: { weight: number; preference: NodeSelectorTerm }[] | undefined): Preference[] {
  return (terms ?? [])
    .filter(({ weight }) => weight !== 0)
    .map(({ weight, preference }) => ({ weight, matches: nodeSelectorTermMatcher(preference) }));
}

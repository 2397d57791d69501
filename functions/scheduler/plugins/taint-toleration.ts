import type { Node, Pod, Taint, Toleration } from '../../../lib/api/gen/types.ts';
import { stateKey } from '../framework/cycle-state.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';
import { scaleToLargest } from './normalize.ts';
import { keepsPodsAway, tolerates, untoleratedTaint } from '../../../lib/api/scheduling/tolerations.ts';

const untolerated = unresolvable('node(s) had untolerated taint(s)');
const preferring = stateKey<readonly Toleration[]>('tolerations of PreferNoSchedule');

/** Keeps pods off nodes with taints that they do not tolerate, and prefers nodes with few such PreferNoSchedule taints. */
export function taintToleration(): Plugin {
  return {
    name: 'TaintToleration',
    filtersByNodeAlone: true,
    events: [
      {
        resource: 'Node',
        actions: ['Add', 'UpdateNodeTaint'],
        hint: ({ pod }, { before, after }) =>
          (!before || keptAway(pod, (before as Node).spec.taints)) &&
          !keptAway(pod, (after as Node).spec.taints)
            ? 'Queue'
            : 'Skip',
      },
      { resource: 'Pod', actions: ['UpdatePodToleration'] },
    ],
    filter(_state, { pod }, { taints }) {
      if (taints.length === 0) return undefined;
      return keptAway(pod, taints) ? untolerated : undefined;
    },
    preScore(state, { pod }) {
      const tolerations = (pod.spec.tolerations ?? []).filter(
        ({ effect }) => !effect || effect === 'PreferNoSchedule',
      );
      state.write(preferring, tolerations);
      return undefined;
    },
    score(state, _pod, { taints }) {
      if (taints.length === 0) return 0;
      const tolerations = state.read(preferring);
      return taints.filter((taint) => isAvoided(taint, tolerations)).length;
    },
    normalizeScores: (_state, _pod, _nodes, scores) => scaleToLargest(scores, true),
  };
}

function keptAway({ spec }: Pod, taints: readonly Taint[] | undefined): boolean {
  return untoleratedTaint(taints ?? [], spec.tolerations ?? [], keepsPodsAway) !== undefined;
}

function isAvoided(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return (
    taint.effect === 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint))
  );
}

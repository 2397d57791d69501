import type { Node, Pod, Taint } from '../../../lib/api/gen/types.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';
import { tolerates } from '../../../lib/api/scheduling/tolerations.ts';

const cordoned: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const isUnschedulable = unresolvable('node(s) were unschedulable');

/** Keeps pods off nodes with `spec.unschedulable`, unless they tolerate the taint that stands for it. */
export function nodeUnschedulable(): Plugin {
  return {
    name: 'NodeUnschedulable',
    filtersByNodeAlone: true,
    events: [
      {
        resource: 'Node',
        actions: ['Add', 'UpdateNodeTaint'],
        hint: (_pod, { before, after }) =>
          (!before || isCordoned(before as Node)) && !isCordoned(after as Node) ? 'Queue' : 'Skip',
      },
      {
        resource: 'Pod',
        actions: ['UpdatePodToleration'],
        hint: (_pod, { after }) => (toleratesCordons(after as Pod) ? 'Queue' : 'Skip'),
      },
    ],
    filter: (_state, { pod }, { node }) =>
      isCordoned(node) && !toleratesCordons(pod) ? isUnschedulable : undefined,
  };
}

function isCordoned({ spec }: Node): boolean {
  return Boolean(spec.unschedulable);
}

function toleratesCordons({ spec }: Pod): boolean {
  return Boolean(spec.tolerations?.some((toleration) => tolerates(toleration, cordoned)));
}

import type { Taint } from '../../../lib/api/gen/types.ts';
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
      { resource: 'Node', actions: ['Add', 'UpdateNodeTaint'] },
      { resource: 'Pod', actions: ['UpdatePodToleration'] },
    ],
    filter(_state, { pod }, { node }) {
      if (!node.spec.unschedulable) return undefined;
      const tolerated = pod.spec.tolerations?.some((toleration) => tolerates(toleration, cordoned));
      return tolerated ? undefined : isUnschedulable;
    },
  };
}

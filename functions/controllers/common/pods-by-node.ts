import type { Pod } from '../../../lib/api/gen/types.ts';

/** An index over pods: by the node that they are bound to. */
export const byNode = 'node';
export const nodeIndex: Record<typeof byNode, (pod: Pod) => string[]> = {
  [byNode]: ({ spec }) => (spec.nodeName ? [spec.nodeName] : []),
};

import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const wrongNode = unresolvable("node(s) didn't match the requested node name");

/** A pod that names its node goes there or nowhere. */
export function nodeName(): Plugin {
  return {
    name: 'NodeName',
    filtersByNodeAlone: true,
    events: [{ resource: 'Node', actions: ['Add'] }],
    filter: (_state, { pod }, node) =>
      pod.spec.nodeName && pod.spec.nodeName !== node.name ? wrongNode : undefined,
  };
}

import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'flowcontrol.apiserver.k8s.io';

export function flowcontrolDefinitions(): ResourceDefinition[] {
  return [
    define({
      group,
      plural: 'flowschemas',
      kind: 'FlowSchema',
      namespaced: false,
      subresources: [sub('status', 'FlowSchema', editVerbs, group)],
    }),
    define({
      group,
      plural: 'prioritylevelconfigurations',
      kind: 'PriorityLevelConfiguration',
      namespaced: false,
      subresources: [sub('status', 'PriorityLevelConfiguration', editVerbs, group)],
    }),
  ];
}

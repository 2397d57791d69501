import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

export function schedulingDefinitions(): ResourceDefinition[] {
  return [
    define({
      group: 'scheduling.k8s.io',
      plural: 'priorityclasses',
      kind: 'PriorityClass',
      namespaced: false,
      shortNames: ['pc'],
    }),
  ];
}

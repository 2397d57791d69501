import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

export function nodeDefinitions(): ResourceDefinition[] {
  return [
    define({ group: 'node.k8s.io', plural: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false }),
  ];
}

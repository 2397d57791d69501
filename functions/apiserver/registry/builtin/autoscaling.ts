import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

export function autoscalingDefinitions(): ResourceDefinition[] {
  const facts = {
    group: 'autoscaling',
    plural: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    shortNames: ['hpa'],
    categories: ['all'],
  };
  const status = sub('status', 'HorizontalPodAutoscaler', editVerbs, 'autoscaling');
  return [
    define({ ...facts, version: 'v2', subresources: [{ ...status, version: 'v2' }] }),
    define({ ...facts, subresources: [status], storedAs: { group: 'autoscaling', version: 'v2' } }),
  ];
}

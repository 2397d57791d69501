import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

export function discoveryDefinitions(): ResourceDefinition[] {
  return [define({ group: 'discovery.k8s.io', plural: 'endpointslices', kind: 'EndpointSlice' })];
}

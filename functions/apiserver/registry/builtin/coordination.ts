import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

export function coordinationDefinitions(): ResourceDefinition[] {
  return [define({ group: 'coordination.k8s.io', plural: 'leases', kind: 'Lease' })];
}

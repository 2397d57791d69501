import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

export function networkingDefinitions(): ResourceDefinition[] {
  return [
    define({
      group: 'networking.k8s.io',
      plural: 'ipaddresses',
      kind: 'IPAddress',
      namespaced: false,
      shortNames: ['ip'],
    }),
    define({
      group: 'networking.k8s.io',
      plural: 'servicecidrs',
      kind: 'ServiceCIDR',
      namespaced: false,
      subresources: [sub('status', 'ServiceCIDR', editVerbs, 'networking.k8s.io')],
    }),
  ];
}

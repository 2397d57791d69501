import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'networking.k8s.io';

export function networkingDefinitions(): ResourceDefinition[] {
  return [
    define({ group, plural: 'ingressclasses', kind: 'IngressClass', namespaced: false }),
    define({
      group,
      plural: 'ingresses',
      kind: 'Ingress',
      shortNames: ['ing'],
      subresources: [sub('status', 'Ingress', editVerbs, group)],
    }),
    define({ group, plural: 'ipaddresses', kind: 'IPAddress', namespaced: false, shortNames: ['ip'] }),
    define({ group, plural: 'networkpolicies', kind: 'NetworkPolicy', shortNames: ['netpol'] }),
    define({
      group,
      plural: 'servicecidrs',
      kind: 'ServiceCIDR',
      namespaced: false,
      subresources: [sub('status', 'ServiceCIDR', editVerbs, group)],
    }),
  ];
}

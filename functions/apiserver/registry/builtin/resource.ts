import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'resource.k8s.io';

export function resourceDefinitions(): ResourceDefinition[] {
  return [
    define({ group, plural: 'deviceclasses', kind: 'DeviceClass', namespaced: false }),
    define({
      group,
      plural: 'devicetaintrules',
      kind: 'DeviceTaintRule',
      namespaced: false,
      subresources: [sub('status', 'DeviceTaintRule', editVerbs, group)],
    }),
    define({
      group,
      plural: 'resourceclaims',
      kind: 'ResourceClaim',
      subresources: [sub('status', 'ResourceClaim', editVerbs, group)],
    }),
    define({ group, plural: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate' }),
    define({ group, plural: 'resourceslices', kind: 'ResourceSlice', namespaced: false }),
  ];
}

import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'storage.k8s.io';

export function storageDefinitions(): ResourceDefinition[] {
  return [
    define({ group, plural: 'csidrivers', kind: 'CSIDriver', namespaced: false }),
    define({ group, plural: 'csinodes', kind: 'CSINode', namespaced: false }),
    define({ group, plural: 'csistoragecapacities', kind: 'CSIStorageCapacity' }),
    define({
      group,
      plural: 'storageclasses',
      kind: 'StorageClass',
      namespaced: false,
      shortNames: ['sc'],
    }),
    define({
      group,
      plural: 'volumeattachments',
      kind: 'VolumeAttachment',
      namespaced: false,
      subresources: [sub('status', 'VolumeAttachment', editVerbs, group)],
    }),
    define({
      group,
      plural: 'volumeattributesclasses',
      kind: 'VolumeAttributesClass',
      namespaced: false,
      shortNames: ['vac'],
    }),
  ];
}

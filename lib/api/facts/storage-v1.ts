import type { PackageFacts } from './package.ts';

export const storageV1: PackageFacts = {
  name: 'io.k8s.api.storage.v1',
  group: 'storage.k8s.io',
  version: 'v1',
  types: `
    CSIDriver CSIDriverList CSIDriverSpec CSINode CSINodeDriver CSINodeList CSINodeSpec CSIStorageCapacity
    CSIStorageCapacityList StorageClass StorageClassList TokenRequest VolumeAttachment
    VolumeAttachmentList VolumeAttachmentSource VolumeAttachmentSpec VolumeAttachmentStatus
    VolumeAttributesClass VolumeAttributesClassList VolumeError VolumeNodeResources
  `,
  facts: {
    CSIDriverSpec: {
      volumeLifecycleModes: { listType: 'set' },
    },
    CSINodeSpec: {
      drivers: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
    },
    CSIStorageCapacity: {
      capacity: { format: 'quantity' },
      maximumVolumeSize: { format: 'quantity' },
    },
    StorageClass: {
      reclaimPolicy: { enum: ['Delete', 'Recycle', 'Retain'] },
      volumeBindingMode: { enum: ['Immediate', 'WaitForFirstConsumer'] },
    },
  },
};

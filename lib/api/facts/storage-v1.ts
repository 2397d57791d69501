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
  always: {
    CSIDriver: 'metadata spec',
    CSIDriverList: 'metadata items',
    CSINode: 'metadata spec',
    CSINodeDriver: 'name nodeID topologyKeys',
    CSINodeList: 'metadata items',
    CSINodeSpec: 'drivers',
    CSIStorageCapacity: 'metadata storageClassName',
    CSIStorageCapacityList: 'metadata items',
    StorageClass: 'metadata provisioner',
    StorageClassList: 'metadata items',
    TokenRequest: 'audience',
    VolumeAttachment: 'metadata spec status',
    VolumeAttachmentList: 'metadata items',
    VolumeAttachmentSpec: 'attacher source nodeName',
    VolumeAttachmentStatus: 'attached',
    VolumeAttributesClass: 'metadata driverName',
    VolumeAttributesClassList: 'metadata items',
    VolumeError: 'time',
  },
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

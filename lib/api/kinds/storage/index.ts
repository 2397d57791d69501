import type { KindRules } from '../rules.ts';
import { csiDriverRules } from './csi-driver.ts';
import { csiNodeRules } from './csi-node.ts';
import { csiStorageCapacityRules } from './csi-storage-capacity.ts';
import { storageClassRules } from './storage-class.ts';
import { volumeAttachmentRules } from './volume-attachment.ts';
import { volumeAttributesClassRules } from './volume-attributes-class.ts';

/** By version and kind. */
export const storageRules: Readonly<Record<string, KindRules>> = {
  'v1/CSIDriver': csiDriverRules,
  'v1/CSINode': csiNodeRules,
  'v1/CSIStorageCapacity': csiStorageCapacityRules,
  'v1/StorageClass': storageClassRules,
  'v1/VolumeAttachment': volumeAttachmentRules,
  'v1/VolumeAttributesClass': volumeAttributesClassRules,
};

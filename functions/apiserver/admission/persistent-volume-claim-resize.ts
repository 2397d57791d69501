import type { PersistentVolumeClaim, StorageClass } from '../../../lib/api/gen/types.ts';
import { betaStorageClass } from '../../../lib/api/kinds/core/storage-class-annotation.ts';
import { compareQuantities, parseQuantity, zero } from '../../../lib/api/quantity/index.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { lookUp, refusal, writtenObject } from './common.ts';

/** A claim grows only if it is bound, and its class says that its volumes can. */
export function persistentVolumeClaimResize(cache: WatchCache): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    types: ['persistentvolumeclaims'],
    async validate(attributes) {
      const claim = writtenObject<PersistentVolumeClaim>(attributes, 'persistentvolumeclaims');
      const old = attributes.oldObject as PersistentVolumeClaim | undefined;
      if (!claim || !old || attributes.operation !== 'UPDATE') return;
      if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return;
      if (old.status?.phase !== 'Bound') {
        throw refusal(attributes, 'Only bound persistent volume claims can be expanded');
      }
      const className = classOf(claim);
      const found =
        className && className === classOf(old)
          ? await lookUp<StorageClass>(cache, 'storage.k8s.io/storageclasses', className)
          : undefined;
      if (found?.allowVolumeExpansion) return;
      throw refusal(
        attributes,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    },
  };
}

function sizeOf({ spec }: PersistentVolumeClaim) {
  const size = spec.resources?.requests?.storage;
  return size === undefined ? zero : parseQuantity(size);
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[betaStorageClass] ?? spec.storageClassName ?? '';
}

import type { PersistentVolumeClaim, StorageClass } from '../../../lib/api/gen/types.ts';
import { betaStorageClass } from '../../../lib/api/kinds/core/storage-class-annotation.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { listAll, newestOf, writtenObject } from './common.ts';

const marks = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** A claim that names no class gets the cluster's; one that names the empty class wants none. */
export function defaultStorageClass(cache: WatchCache): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    types: ['persistentvolumeclaims'],
    async mutate(attributes) {
      const claim = writtenObject<PersistentVolumeClaim>(attributes, 'persistentvolumeclaims');
      if (!claim || attributes.operation !== 'CREATE') return;
      const { metadata, spec } = claim;
      if (spec.storageClassName !== undefined || metadata.annotations?.[betaStorageClass] !== undefined)
        return;
      const classes = await listAll<StorageClass>(cache, 'storage.k8s.io/storageclasses');
      const chosen = newestOf(
        classes.filter((one) => marks.some((mark) => one.metadata.annotations?.[mark] === 'true')),
      );
      if (chosen?.metadata.name) spec.storageClassName = chosen.metadata.name;
    },
  };
}

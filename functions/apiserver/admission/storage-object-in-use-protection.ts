import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { writtenObject } from './common.ts';
import type { KubeObject } from '../../../lib/api/object.ts';

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  'storage.k8s.io/volumeattributesclasses': 'kubernetes.io/vac-protection',
};

/** What is in use is not deleted under its user: a finalizer waits for the controllers that know. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  types: Object.keys(finalizers),
  mutate(attributes) {
    const finalizer = finalizers[attributes.entry.storage];
    const object = writtenObject<KubeObject>(attributes, attributes.entry.storage);
    if (finalizer && object && attributes.operation === 'CREATE') {
      const present = object.metadata.finalizers ?? [];
      if (!present.includes(finalizer)) object.metadata.finalizers = [...present, finalizer];
    }
    return Promise.resolve();
  },
};

import type { KubeObject } from '../object.ts';

const kept = [
  'annotations',
  'deletionTimestamp',
  'finalizers',
  'generation',
  'labels',
  'ownerReferences',
] as const;

/** For newer kinds, an update of the status leaves the metadata alone as well (`metav1.ResetObjectMetaForStatus`). */
export function keepMetadata({ metadata }: KubeObject, old: KubeObject): void {
  for (const field of kept) {
    if (old.metadata[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: old.metadata[field] });
  }
}

import type { FieldSet } from '../apply/field-set.ts';
import type { KubeObject } from '../object.ts';
import { keepSpec } from './rules.ts';

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

/** See `KindRules.statusResets`. */
export const specAndMetadata: FieldSet = { 'f:spec': {}, 'f:metadata': {} };

/** An update of the status leaves everything else alone. */
export function keepSpecAndMetadata(
  object: KubeObject & { spec: object },
  old: KubeObject & { spec: object },
): void {
  keepSpec(object, old);
  keepMetadata(object, old);
}

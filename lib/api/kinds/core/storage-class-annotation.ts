import type { ObjectMeta } from '../../gen/types.ts';
import { own } from '../../validate/own.ts';
import { Path } from '../../validate/path.ts';

/** Where claims and volumes named their class before there was a field for it. */
export const betaStorageClass = 'volume.beta.kubernetes.io/storage-class';

export function betaStorageClassWarning({ annotations }: ObjectMeta): string[] {
  if (own(annotations, betaStorageClass) === undefined) return [];
  const at = Path.of('metadata', 'annotations').key(betaStorageClass);
  return [`${at.toString()}: deprecated since v1.8; use "storageClassName" attribute instead`];
}

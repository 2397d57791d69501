import type { OwnerReference } from '../../../../lib/api/gen/types.ts';
import type { JsonValue } from '../../../../lib/api/object.ts';
import { equalJson } from '../../../../lib/api/patch/index.ts';
import type { AnyObject } from '../strategy.ts';

/**
 * Drops owner references that stand twice, and tells the client of it. What a patch makes of an object is looked at only
 * after admission, as in kube-apiserver, and the warning says which of the two it was.
 */
export function dropDuplicateOwners(
  { metadata }: AnyObject,
  warnings: string[],
  when: 'before' | 'after',
): void {
  const references = metadata.ownerReferences;
  if (!references || references.length < 2) return;
  const kept: OwnerReference[] = [];
  const duplicates: string[] = [];
  for (const one of references) {
    if (kept.some((other) => isSame(other, one))) duplicates.push(one.uid);
    else kept.push(one);
  }
  if (duplicates.length === 0) return;
  metadata.ownerReferences = kept;
  const place = when === 'after' ? ' after mutating admission happens' : '';
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${place}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${duplicates.join(', ')}`,
  );
}

function isSame(a: OwnerReference, b: OwnerReference): boolean {
  return a.uid === b.uid && equalJson(a as unknown as JsonValue, b as unknown as JsonValue);
}

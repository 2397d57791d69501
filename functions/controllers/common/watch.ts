import { type KubeObject, keyOf } from '../../../lib/api/object.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import type { Resource } from '../../../lib/client/port.ts';
import type { Watch } from '../controller.ts';

/** A Watch with its type checked where it is written, and forgotten where it is listed among others. */
export function watchOf<T extends KubeObject>(
  resource: Resource<T>,
  keys: (change: ObjectChange<T>) => string[],
): Watch {
  return { resource, keys: keys as (change: ObjectChange) => string[] };
}

/** The changed object's own key. */
export function ownKey(change: ObjectChange): string[] {
  const object = change.after ?? change.before;
  return object ? [keyOf(object)] : [];
}

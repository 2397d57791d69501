import { KumulusError } from '../../errors.ts';

/** `replace`, `delete` or `merge`, in a map or as an item of a list of maps. */
export const directive = '$patch';
/** A list of the members that stay. */
export const retainKeys = '$retainKeys';
/** `$deleteFromPrimitiveList/finalizers`: the values to take out of a list. */
export const deletePrefix = '$deleteFromPrimitiveList';
/** `$setElementOrder/containers`: the order that the items are to have. */
export const orderPrefix = '$setElementOrder';

export function badPatch(message: string): KumulusError {
  return new KumulusError('BadRequest', message);
}

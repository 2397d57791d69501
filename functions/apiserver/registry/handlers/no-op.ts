import type { ManagedFieldsEntry } from '../../../../lib/api/gen/types.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { equalJson } from '../../../../lib/api/patch/index.ts';
import type { AnyObject } from '../strategy.ts';

/**
 * The current state where the next one differs from it only in the times of `managedFields`: applying again what is there,
 * in words that defaults have yet to complete, makes no new revision (KEP-555).
 */
export function unlessNoOp(next: AnyObject, current: AnyObject): AnyObject {
  const [after, before] = [next.metadata.managedFields, current.metadata.managedFields];
  if (!after || !before || after === before || !sameButTimes(after, before)) return next;
  return equalJson(unmanaged(next), unmanaged(current)) ? current : next;
}

/** In whatever order: they are sorted by time. */
function sameButTimes(after: readonly ManagedFieldsEntry[], before: readonly ManagedFieldsEntry[]): boolean {
  if (after.length !== before.length) return false;
  const timeless = before.map(({ time: _, ...entry }) => entry as unknown as JsonValue);
  return after.every(({ time: _, ...entry }) =>
    timeless.some((one) => equalJson(one, entry as unknown as JsonValue)),
  );
}

function unmanaged(object: AnyObject): JsonObject {
  const metadata = { ...object.metadata, managedFields: undefined, resourceVersion: undefined };
  return { ...object, metadata } as unknown as JsonObject;
}

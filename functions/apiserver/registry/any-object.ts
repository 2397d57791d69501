import type { JsonObject, KubeObject } from '../../../lib/api/object.ts';
import { equalJson } from '../../../lib/api/patch/index.ts';
import type { JsonValue } from '../../../lib/api/object.ts';

/** An object whose kind is known only at run time. */
export type AnyObject = KubeObject & { spec?: JsonObject; status?: JsonObject; [field: string]: unknown };

export function specChanged(next: AnyObject, current: AnyObject): boolean {
  return !equalJson(next.spec as JsonValue | undefined, current.spec as JsonValue | undefined);
}

export function copyField(to: AnyObject, from: AnyObject, field: string): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

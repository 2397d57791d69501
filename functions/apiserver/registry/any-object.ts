import type { JsonObject, KubeObject } from '../../../lib/api/object.ts';

/** An object whose kind is known only at run time. */
export type AnyObject = KubeObject & { spec?: JsonObject; status?: JsonObject; [field: string]: unknown };

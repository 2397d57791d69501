/** Living together with client-side apply, which keeps what it applied in an annotation (KEP-555, "Upgrading"). */
import type { JsonObject, JsonValue, KubeObject } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import { compareObjects } from './compare.ts';
import { type FieldSet, noFields, subtractSets } from './field-set.ts';
import type { Scope } from './ownership.ts';
import { toFieldSet } from './to-field-set.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** What all annotations of an object may have together. */
const maxAnnotationsBytes = 256 * 1024;

/**
 * The fields that client-side apply set and that still have the values it set: `kubectl apply --server-side` may take
 * these over. Empty when the annotation is not there or is of another version.
 */
export function lastAppliedFields(live: JsonObject, scope: Scope): FieldSet {
  const text = annotationsOf(live)?.[annotation];
  if (typeof text !== 'string' || text === '') return noFields;
  try {
    const applied = JSON.parse(text) as JsonValue;
    if (!isJsonObject(applied) || applied.apiVersion !== scope.apiVersion) return noFields;
    const { added, modified, removed } = compareObjects(applied, live, scope.schema);
    const fields = toFieldSet(applied, scope.schema);
    return subtractSets(subtractSets(subtractSets(fields, modified), added), removed);
  } catch {
    // Whatever stands in the annotation that is no object of the kind gives nobody a right to anything.
    return noFields;
  }
}

/** Keeps the annotation in step, for users who go back to client-side apply; an object without it stays without. */
export function withLastApplied<T extends KubeObject>(object: T, applied: JsonObject): T {
  const annotations = object.metadata.annotations;
  if (!annotations?.[annotation]) return object;
  const { [annotation]: _, ...others } = annotationsOf(applied) ?? {};
  const metadata = { ...(applied.metadata as JsonObject), annotations: others };
  const text = `${JSON.stringify({ ...applied, metadata })}\n`;
  const updated: Record<string, string> = { ...annotations, [annotation]: text };
  const sizeBytes = Object.entries(updated).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (sizeBytes > maxAnnotationsBytes) delete updated[annotation];
  return { ...object, metadata: { ...object.metadata, annotations: updated } };
}

function annotationsOf(object: JsonObject): JsonObject | undefined {
  const metadata = object.metadata;
  const annotations = isJsonObject(metadata) ? metadata.annotations : undefined;
  return isJsonObject(annotations) ? annotations : undefined;
}

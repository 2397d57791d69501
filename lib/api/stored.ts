/**
 * How an object's JSON is kept in the store: kind and apiVersion first, then metadata without `resourceVersion`
 * (the store's revision is the only truth about it). A reader splices the revision in without parsing.
 */
import type { KubeObject } from './object.ts';

const marker = Buffer.from('"metadata":{');

/** The bytes to hand to `Store.commit`. `object.metadata` must have at least a name. */
export function encodeStored(object: KubeObject): Uint8Array {
  const { kind, apiVersion, metadata, ...rest } = object;
  return Buffer.from(
    JSON.stringify({ kind, apiVersion, metadata: { ...metadata, resourceVersion: undefined }, ...rest }),
  );
}

/** The JSON that clients see: the stored body with `metadata.resourceVersion`. */
export function withRevision(body: Uint8Array, revision: number): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const at = bytes.indexOf(marker) + marker.length;
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from(`"resourceVersion":"${revision}",`),
    bytes.subarray(at),
  ]);
}

export function decodeStored<T extends KubeObject>(body: Uint8Array, revision: number): T {
  const object = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as T;
  object.metadata.resourceVersion = String(revision);
  return object;
}

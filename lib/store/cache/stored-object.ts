import type { KubeObject, Persisted } from '../../api/object.ts';
import type { Entry, Revision } from '../port.ts';
import type { CachedObject } from './port.ts';

const metadataMarker = Buffer.from('"metadata":{');

/** An object at one revision: bytes at once, parsed when somebody asks. */
export class StoredObject implements CachedObject {
  readonly key: string;
  readonly revision: Revision;
  readonly json: Uint8Array;
  #object: Persisted<KubeObject> | undefined;

  constructor(key: string, revision: Revision, body: Uint8Array) {
    this.key = key;
    this.revision = revision;
    this.json = spliceRevision(body, revision);
  }

  static from({ key, revision, body }: Entry): StoredObject {
    return new StoredObject(key, revision, body);
  }

  get object(): Persisted<KubeObject> {
    this.#object ??= parse(this.json);
    return this.#object;
  }
}

/** An object's state under the revision of a later change: what a watcher is shown when it leaves the selector. */
export class RelabelledObject implements CachedObject {
  readonly key: string;
  readonly revision: Revision;
  readonly #state: CachedObject;
  #json: Uint8Array | undefined;
  #object: Persisted<KubeObject> | undefined;

  constructor(state: CachedObject, revision: Revision) {
    this.key = state.key;
    this.revision = revision;
    this.#state = state;
  }

  get json(): Uint8Array {
    this.#json ??= replaceRevision(this.#state.json, this.#state.revision, this.revision);
    return this.#json;
  }

  get object(): Persisted<KubeObject> {
    this.#object ??= parse(this.json);
    return this.#object;
  }
}

function parse(json: Uint8Array): Persisted<KubeObject> {
  return JSON.parse(asBuffer(json).toString()) as Persisted<KubeObject>;
}

/** As `withRevision` of `lib/api/stored.ts`, into memory of its own: a pooled buffer would keep its neighbours alive. */
function spliceRevision(body: Uint8Array, revision: Revision): Uint8Array {
  return splice(body, metadataEnd(body), 0, `"resourceVersion":"${revision}",`);
}

function replaceRevision(json: Uint8Array, from: Revision, to: Revision): Uint8Array {
  const old = `"resourceVersion":"${from}"`;
  return splice(json, metadataEnd(json), old.length, `"resourceVersion":"${to}"`);
}

/** `metadata` comes right after kind and apiVersion, so that the first occurrence is the object's own. */
function metadataEnd(json: Uint8Array): number {
  const at = asBuffer(json).indexOf(metadataMarker);
  if (at < 0) throw new TypeError('the stored body has no metadata');
  return at + metadataMarker.length;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: string): Uint8Array {
  const result = Buffer.allocUnsafeSlow(bytes.length - remove + insert.length);
  result.set(bytes.subarray(0, at), 0);
  result.write(insert, at, 'latin1');
  result.set(bytes.subarray(at + remove), at + insert.length);
  return result;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

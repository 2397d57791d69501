/** Objects in the store: every write of the generic handler goes through here. */
import { joinKey, type JsonObject, type KubeObject } from '../../../lib/api/object.ts';
import { equalJson } from '../../../lib/api/patch/index.ts';
import {
  alreadyExists,
  conflict,
  internal,
  notFound,
  requestEntityTooLarge,
  serverTimeout,
} from '../../../lib/api/status.ts';
import { decodeStored, encodeStored, withRevision } from '../../../lib/api/stored.ts';
import { type Entry, maxBodyBytes, type Mutation, StoreConflict } from '../../../lib/store/port.ts';
import type { Backend } from './backend.ts';
import type { RegistryEntry } from './registry.ts';
import type { AnyObject } from './strategy.ts';

/** An object as it is stored, with the bytes to answer with. */
export interface Stored {
  object: AnyObject;
  revision: number;
  /** As it is in the store; absent where it was not stored. */
  readonly body?: Uint8Array;
  /** With `metadata.resourceVersion`; made when it is asked for. */
  readonly json: Uint8Array;
  /** It is written even when nothing changes: it is encrypted otherwise than it would be now. */
  readonly stale?: true;
}

/** Writers that meet on one object try again; this many times is far more than fairness needs. */
const maxAttempts = 64;

export function keyFor(entry: RegistryEntry, namespace: string, name: string): string {
  return joinKey(entry.definition.namespaced ? namespace : undefined, name);
}

export async function readStored(
  backend: Backend,
  entry: RegistryEntry,
  namespace: string,
  name: string,
): Promise<Stored> {
  const found = await backend.store.get(entry.storage, keyFor(entry, namespace, name));
  if (!found) throw notFound(entry.groupResource, name);
  return storedOf(found);
}

export async function findStored(backend: Backend, entry: RegistryEntry, namespace: string, name: string) {
  const found = await backend.store.get(entry.storage, keyFor(entry, namespace, name));
  return found && storedOf(found);
}

function storedOf(found: Entry): Stored {
  const { body, revision, stale } = found;
  const stored = storedAs(decodeStored<AnyObject>(body, revision), body, revision);
  return stale ? Object.assign(stored, { stale }) : stored;
}

function storedAs(object: AnyObject, body: Uint8Array, revision: number): Stored {
  let json: Uint8Array | undefined;
  return {
    object,
    revision,
    body,
    get json() {
      json ??= withRevision(body, revision);
      return json;
    },
  };
}

/** @throws KumulusError AlreadyExists */
export async function createStored(
  backend: Backend,
  entry: RegistryEntry,
  object: AnyObject,
): Promise<Stored> {
  const name = object.metadata.name ?? '';
  const key = keyFor(entry, object.metadata.namespace ?? '', name);
  const body = encode(object);
  try {
    return await commitOne(backend, entry, { op: 'create', key, body }, object);
  } catch (error) {
    if (error instanceof StoreConflict) throw alreadyExists(entry.groupResource, name);
    throw error;
  }
}

/**
 * Reads, lets `change` make the next state, and writes it under the condition that nobody wrote in between; otherwise
 * `change` is asked again with what is there now. Returning the very object that it was given (or one that encodes the
 * same) writes nothing.
 * @throws KumulusError NotFound
 */
export async function updateStored(
  backend: Backend,
  entry: RegistryEntry,
  namespace: string,
  name: string,
  change: (current: Stored) => Promise<AnyObject> | AnyObject,
  options: {
    dryRun?: boolean;
    /** As it was just read, where it was. */
    current?: Stored;
    /** Whether the next state is the last one: the object then goes instead of being replaced. */
    removes?: (next: AnyObject, current: AnyObject) => boolean;
  } = {},
): Promise<Stored> {
  let current = options.current ?? (await readStored(backend, entry, namespace, name));
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const next = await change(current);
    if (next === current.object && !current.stale) return current;
    const body = encode(next);
    const removes = options.removes?.(next, current.object) ?? false;
    if (!removes && !current.stale && isSame(next, body, current)) return current;
    if (options.dryRun) return dryStored(next, current.revision);
    try {
      const key = keyFor(entry, namespace, name);
      const op = removes ? 'delete' : 'replace';
      return await commitOne(backend, entry, { op, key, body, expected: current.revision }, next);
    } catch (error) {
      current = await afterConflict(error, backend, entry, namespace, name);
    }
    await pause(backend, attempt);
  }
  throw serverTimeout(entry.groupResource, 'update', 1);
}

/** Removes the object if it is still at that revision; false when it is not (any more). */
export async function removeStored(backend: Backend, entry: RegistryEntry, stored: Stored): Promise<boolean> {
  const { namespace = '', name = '' } = stored.object.metadata;
  const key = keyFor(entry, namespace, name);
  try {
    const body = encodeStored(stored.object);
    await backend.store.commit(entry.storage, [{ op: 'delete', key, body, expected: stored.revision }]);
    return true;
  } catch (error) {
    if (error instanceof StoreConflict) return false;
    throw error;
  }
}

export function dryStored(object: AnyObject, revision: number): Stored {
  return {
    object,
    revision,
    json: revision > 0 ? withRevision(encodeStored(object), revision) : encodeStored(object),
  };
}

/** The same content; fields may stand in another order, which does not change the number of bytes. */
function isSame(next: AnyObject, body: Uint8Array, current: Stored): boolean {
  const before = current.body ?? encodeStored(current.object);
  if (before.byteLength !== body.byteLength) return false;
  if (Buffer.compare(before, body) === 0) return true;
  return equalJson(content(current.object), content(next));
}

function content(object: AnyObject): JsonObject {
  const metadata = { ...object.metadata, resourceVersion: undefined };
  return { ...object, metadata } as unknown as JsonObject;
}

/** A little, growing, never in step with the others. */
export async function pause(backend: Backend, attempt: number): Promise<void> {
  if (attempt > 2) await backend.clock.sleep(Math.random() * Math.min(50, attempt));
}

async function commitOne(
  backend: Backend,
  entry: RegistryEntry,
  mutation: Mutation & { body: Uint8Array },
  object: AnyObject,
): Promise<Stored> {
  const [revision] = await backend.store.commit(entry.storage, [mutation]);
  if (revision === undefined) throw internal('the store gave no revision');
  object.metadata.resourceVersion = String(revision);
  return storedAs(object, mutation.body, revision);
}

async function afterConflict(
  error: unknown,
  backend: Backend,
  entry: RegistryEntry,
  namespace: string,
  name: string,
): Promise<Stored> {
  if (!(error instanceof StoreConflict)) throw error;
  if (error.reason === 'NotFound') throw notFound(entry.groupResource, name);
  return error.current ? storedOf(error.current) : readStored(backend, entry, namespace, name);
}

function encode(object: KubeObject): Uint8Array {
  const body = encodeStored(object);
  if (body.byteLength > maxBodyBytes) throw requestEntityTooLarge(`limit is ${maxBodyBytes}`);
  return body;
}

/** What a write on a stale or another object is told. */
export function checkPreconditions(
  entry: RegistryEntry,
  current: Stored,
  wanted: { uid?: string | undefined; resourceVersion?: string | undefined },
): void {
  const { name = '', uid = '' } = current.object.metadata;
  if (wanted.uid && wanted.uid !== uid) {
    throw conflict(
      entry.groupResource,
      name,
      `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`,
    );
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== String(current.revision)) {
    throw conflict(
      entry.groupResource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${current.revision}`,
    );
  }
}

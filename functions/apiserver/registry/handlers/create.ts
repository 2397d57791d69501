import { decodeBody } from '../../../../lib/api/decode/index.ts';
import { cloneJson } from '../../../../lib/api/patch/index.ts';
import { conflict, methodNotAllowed } from '../../../../lib/api/status.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readDocument } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { type Stored, updateStored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { unlessNoOp } from './no-op.ts';
import { respondWith, representationOf } from './render.ts';
import { checkName, createObject, finishesDeletion, nextState, toStorage, type Write } from './write.ts';
import { served } from '../registry.ts';

/** The body as an object of the entry's kind. Warnings of field validation go to the client. */
export async function decodeObject(write: Write): Promise<AnyObject> {
  const { backend, context, entry, params } = write;
  const { mediaType, bytes } = await readDocument(context.request, backend.clock);
  const { group, version, kind, schema } = entry.definition;
  const decoded = decodeBody(bytes, {
    mediaType,
    group,
    version,
    kind,
    schema,
    fieldValidation: params.fieldValidation,
  });
  context.warnings.push(...decoded.warnings);
  const object = decoded.object as unknown as AnyObject;
  context.audit?.sent(object);
  object.metadata ??= {};
  return object;
}

export async function handleCreate(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  if (entry.definition.namespaced && !context.info.namespace) throw methodNotAllowed();
  const params = writeParams(context.request.query, 'CreateOptions');
  const write: Write = { backend, context, entry, params, subresource: '' };
  const stored = await createObject(write, await decodeObject(write));
  return respondWith(context, entry, representation, stored, backend.clock.now(), 201);
}

/** PUT of an object or of its status. */
export async function handleUpdate(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const params = writeParams(context.request.query, 'UpdateOptions');
  const { namespace, name, subresource } = context.info;
  const write: Write = { backend, context, entry, params, subresource };
  const object = await decodeObject(write);
  checkName(entry, object, name);
  const key = entry.definition.namespaced ? `${namespace}/${name}` : name;
  if (
    entry.strategy.rules.allowCreateOnUpdate &&
    !subresource &&
    !(await backend.store.get(entry.storage, key))
  ) {
    // A uid says which object is meant, so that there has to be one; a revision does not (kube-apiserver's store ignores it).
    const { uid } = object.metadata;
    if (uid) {
      const reason = `Precondition failed: UID in precondition: ${uid}, UID in object meta: `;
      throw conflict(entry.groupResource, name, reason);
    }
    delete object.metadata.resourceVersion;
    const created = await createObject(write, object);
    return respondWith(context, entry, representation, created, backend.clock.now(), 201);
  }
  const stored = await updateObject(write, namespace, name, () => cloneJson(object));
  return respondWith(context, entry, representation, stored, backend.clock.now());
}

/** An update, whatever makes the wanted state out of the present one. */
export async function updateObject(
  write: Write,
  namespace: string,
  name: string,
  wanted: (current: AnyObject) => AnyObject | Promise<AnyObject>,
  options: {
    track?: (live: AnyObject) => (object: AnyObject) => AnyObject;
    /** As it was just read. */
    current?: Stored;
  } = {},
) {
  const { backend, entry, params } = write;
  let undo: (() => Promise<void>) | undefined;
  let done: (() => Promise<void>) | undefined;
  let removed = false;
  try {
    const stored = await updateStored(
      backend,
      entry,
      namespace,
      name,
      async (raw) => {
        await undo?.();
        undo = done = undefined;
        const current = entry.conversion ? { ...raw, object: served(entry, raw.object) as AnyObject } : raw;
        const want = await wanted(current.object);
        entry.strategy.limit?.(want, current.object);
        const { next, hold } = await nextState(write, current, want, options.track?.(current.object));
        undo = hold.undo;
        done = hold.done;
        return unlessNoOp(toStorage(entry, next, current.object), raw.object);
      },
      {
        dryRun: params.dryRun,
        ...(options.current && { current: options.current }),
        removes: (next, current) => {
          removed = !params.dryRun && finishesDeletion(next, current);
          return removed;
        },
      },
    );
    undo = undefined;
    await done?.();
    if (removed) await backend.services.release(entry, stored.object);
    return stored;
  } finally {
    await undo?.();
  }
}

/** A store whose bodies of some types are encrypted: what is above it sees plain bodies, what is below never does. */
import { KumulusError, messageOf } from '../../errors.ts';
import { storeOver } from '../delegate.ts';
import type { Change, Entry, Mutation, Revision, Store } from '../port.ts';
import { StoreConflict } from '../port.ts';
import { PlainBodies } from './plain-bodies.ts';
import { rotating, type Transformer } from './transformer.ts';

export type { Transformer } from './transformer.ts';

/** The transformers of a type (by the store's name), the first of which seals; undefined where nothing is changed. */
export type Encryption = (resource: string) => readonly Transformer[] | undefined;

/** Opens what a change of the log carries, for readers that get it by another way than the store's watch. */
export interface BodyOpener {
  change(resource: string, change: Change): Promise<Change>;
  entry(resource: string, entry: Entry): Promise<Entry>;
}

interface Sealer extends BodyOpener {
  /** Whether bodies of the type are left as they are. */
  isPlain(resource: string): boolean;
  seal(resource: string, mutation: Mutation): Promise<Mutation>;
  /** Notes that the body of a revision is this one, so that it need not be opened. */
  note(resource: string, key: string, revision: Revision, body: Uint8Array): void;
}

/**
 * @throws from get, list and watch KumulusError InternalError for a body that cannot be opened, with its key and the reason;
 * ServiceUnavailable when a key service does not answer
 */
export function encryptedStore<S extends Store>(store: S, encryption: Encryption): Store {
  const sealer = createSealer(encryption);
  return storeOver(store, {
    async commit(resource, mutations) {
      if (sealer.isPlain(resource)) return await store.commit(resource, mutations);
      const sealed = await Promise.all(mutations.map((mutation) => sealer.seal(resource, mutation)));
      let revisions: Revision[];
      try {
        revisions = await store.commit(resource, sealed);
      } catch (error) {
        if (!(error instanceof StoreConflict) || !error.current) throw error;
        throw new StoreConflict(error.reason, error.key, await sealer.entry(resource, error.current));
      }
      mutations.forEach(({ op, key, body }, index) => {
        const revision = revisions[index];
        if (op !== 'delete' && revision !== undefined) sealer.note(resource, key, revision, body);
      });
      return revisions;
    },
    async get(resource, key) {
      const entry = await store.get(resource, key);
      return entry && (await sealer.entry(resource, entry));
    },
    async list(resource, prefix, options) {
      const page = await store.list(resource, prefix, options);
      if (sealer.isPlain(resource)) return page;
      const entries: Entry[] = [];
      for (const entry of page.entries) entries.push(await sealer.entry(resource, entry));
      return { ...page, entries };
    },
    watch(resource, from, options) {
      const batches = store.watch(resource, from, options);
      return sealer.isPlain(resource) ? batches : openBatches(sealer, resource, batches);
    },
  });
}

/** What a stream's changes are opened with. */
export function bodyOpener(encryption: Encryption): BodyOpener {
  return createSealer(encryption);
}

async function* openBatches(
  sealer: Sealer,
  resource: string,
  batches: ReturnType<Store['watch']>,
): ReturnType<Store['watch']> {
  for await (const { changes, revision } of batches) {
    const opened: Change[] = [];
    for (const change of changes) opened.push(await sealer.change(resource, change));
    yield { changes: opened, revision };
  }
}

function createSealer(encryption: Encryption): Sealer {
  const plain = new PlainBodies();
  const known = new Map<string, ReturnType<typeof rotating> | undefined>();
  const transformerOf = (resource: string) => {
    if (!known.has(resource)) {
      const transformers = encryption(resource);
      known.set(resource, transformers && rotating(transformers));
    }
    return known.get(resource);
  };

  async function open(resource: string, key: string, sealed: Uint8Array) {
    const transformer = transformerOf(resource);
    if (!transformer) return { body: sealed, stale: false };
    try {
      return await transformer.open(sealed, contextOf(resource, key));
    } catch (error) {
      if (error instanceof KumulusError) throw error;
      const message = `${resource} "${key}" cannot be decrypted: ${messageOf(error)}`;
      throw new KumulusError('InternalError', message, { cause: error });
    }
  }

  async function entry(resource: string, found: Entry): Promise<Entry> {
    if (!transformerOf(resource)) return found;
    const { key, revision } = found;
    const kept = plain.get(resource, key, revision);
    if (kept) return entryOf(key, revision, kept);
    const opened = await open(resource, key, found.body);
    plain.set(resource, key, revision, opened);
    return entryOf(key, revision, opened);
  }

  return {
    isPlain: (resource) => transformerOf(resource) === undefined,
    async seal(resource, mutation) {
      const transformer = transformerOf(resource);
      if (!transformer) return mutation;
      const body = await transformer.seal(mutation.body, contextOf(resource, mutation.key));
      return { ...mutation, body };
    },
    note: (resource, key, revision, body) => plain.set(resource, key, revision, { body, stale: false }),
    entry,
    async change(resource, change) {
      if (!transformerOf(resource)) return change;
      const { before, after, last } = change;
      return {
        ...change,
        before: before && (await entry(resource, before)),
        after: after && (await entry(resource, after)),
        last: last && (await open(resource, change.key, last)).body,
      };
    },
  };
}

function entryOf(
  key: string,
  revision: Revision,
  { body, stale }: { body: Uint8Array; stale: boolean },
): Entry {
  return { key, revision, body, ...(stale && { stale: true as const }) };
}

function contextOf(resource: string, key: string): Uint8Array {
  return Buffer.from(`${resource}/${key}`);
}

import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Clock, rfc3339 } from '../../clock.ts';
import { KumulusError } from '../../errors.ts';
import type { Entry, Mutation, RestorableStore, Revision, Store } from '../port.ts';
import { formatName, formatVersion, readLines, writeLine } from './format.ts';

export interface BackupSummary {
  resources: number;
  objects: number;
}

/** Looks at all of a backup before the first object is written; what it throws is the answer. */
export interface Examination {
  look(resource: string, entry: Entry): Promise<void>;
  passed(): void;
}

const pageObjects = 500;
/** Within what one transaction takes in every adapter. */
const batchObjects = 25;
const batchBytes = 1024 * 1024;

/**
 * Writes every object into `target` (and ends it) while the store goes on: each resource type is the snapshot of one
 * revision, as revisions of different types are not comparable; with `openEmbeddedSnapshot` all are of one moment. Rejects with `Expired` when a type takes longer to
 * read than history reaches back.
 */
export async function backup(
  store: Pick<Store, 'resources' | 'list'>,
  target: Writable,
  clock: Clock,
): Promise<BackupSummary> {
  const gzip = createGzip();
  const written = pipeline(gzip, target);
  // The error is thrown below; until then it must not count as unhandled.
  written.catch(() => {});
  const resources = await store.resources();
  let objects = 0;
  try {
    await writeLine(gzip, { format: formatName, version: formatVersion, createdAt: rfc3339(clock.now()) });
    for (const resource of resources) {
      let at: Revision | undefined;
      let after: string | undefined;
      for (;;) {
        const page = await store.list(resource, '', { at, after, limit: pageObjects });
        if (at === undefined) await writeLine(gzip, { resource, revision: page.revision });
        at = page.revision;
        for (const { key, revision, body } of page.entries) {
          await writeLine(gzip, { key, revision, body: Buffer.from(body).toString('base64') });
          objects++;
        }
        after = page.entries.at(-1)?.key;
        if (!page.more) break;
      }
    }
    await writeLine(gzip, { end: true, objects });
    gzip.end();
    await written;
  } catch (error) {
    gzip.destroy();
    throw error;
  }
  return { resources: resources.length, objects };
}

/**
 * Brings a backup into an empty store. It is read to its end and checked before the first object is written. Objects get
 * new revisions, all greater than any that the backed-up cluster had given when the backup was made, so that no client's
 * resourceVersion is ever from the future. Rejects with `Conflict` when the store is not empty.
 */
export async function restore(
  store: RestorableStore,
  source: Readable,
  examination?: Examination,
): Promise<BackupSummary> {
  const present = await store.resources();
  if (present.length > 0) {
    throw new KumulusError(
      'Conflict',
      `the store is not empty (it holds ${present.slice(0, 3).join(', ')}): restore into an empty data directory or a new table`,
    );
  }
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-restore-'));
  try {
    const file = join(dir, 'backup');
    const copy = createWriteStream(file, { mode: 0o600 });
    await pipeline(source, copy);
    await finished(copy);
    let resource = '';
    for await (const line of readLines(createReadStream(file))) {
      if ('resource' in line) resource = line.resource;
      if ('key' in line)
        await examination?.look(resource, { ...line, body: Buffer.from(line.body, 'base64') });
    }
    examination?.passed();
    return await apply(store, createReadStream(file));
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function apply(store: RestorableStore, source: Readable): Promise<BackupSummary> {
  let resource = '';
  let batch: Mutation[] = [];
  let sizeBytes = 0;
  const summary = { resources: 0, objects: 0 };
  const flush = async () => {
    if (batch.length > 0) await store.commit(resource, batch);
    summary.objects += batch.length;
    batch = [];
    sizeBytes = 0;
  };
  for await (const line of readLines(source)) {
    if ('resource' in line) {
      await flush();
      resource = line.resource;
      summary.resources++;
      await store.advance(resource, line.revision);
    } else if ('key' in line) {
      const body = Buffer.from(line.body, 'base64');
      if (batch.length >= batchObjects || sizeBytes + body.length > batchBytes) await flush();
      batch.push({ op: 'create', key: line.key, body });
      sizeBytes += body.length;
    }
  }
  await flush();
  return summary;
}

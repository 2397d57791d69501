/** What becomes of a record of the stream that cannot be read: a dead letter for good, or the batch once more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOrBury } from '../../../functions/controllers/readable.ts';
import { systemClock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { bodyOpener, encryptedStore } from '../../../lib/store/encryption/index.ts';
import { type KeyService, kms } from '../../../lib/store/encryption/kms.ts';
import type { Change, Entry } from '../../../lib/store/port.ts';

const dir = mkdtempSync(join(tmpdir(), 'kumulus-records-'));
let sealed: Entry;

/** Wraps by doing nothing; what matters here is whether it answers. */
const answering: KeyService = {
  wrap: async (secret) => ({ wrapped: Uint8Array.from(secret), keyId: 'k' }),
  unwrap: async (wrapped) => Uint8Array.from(wrapped),
};
const silent: KeyService = {
  wrap: () => Promise.reject(new Error('connect ECONNREFUSED')),
  unwrap: () => Promise.reject(new Error('connect ECONNREFUSED')),
};
/** As a process that has just begun has it: nothing is unwrapped yet. */
const encryption = (service: KeyService) => {
  const transformer = kms({
    name: 'stack',
    service,
    timeoutMs: 3_000,
    clock: systemClock,
    log: silentLogger,
  });
  return (resource: string) => (resource === 'secrets' ? [transformer] : undefined);
};

beforeAll(async () => {
  const store = await openEmbeddedStore({ dir, clock: systemClock, log: silentLogger });
  const body = Buffer.from('{"kind":"Secret"}');
  await encryptedStore(store, encryption(answering)).commit('secrets', [
    { op: 'create', key: 'default/s', body },
  ]);
  const entry = await store.get('secrets', 'default/s');
  if (!entry) throw new Error('it was committed');
  sealed = entry;
  await store.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function read(
  service: KeyService,
  after: Entry,
): Promise<{ text: string | undefined; buried: unknown[] }> {
  const change: Change = {
    key: after.key,
    revision: after.revision,
    before: undefined,
    after,
    last: undefined,
  };
  const opener = bodyOpener(encryption(service));
  const buried: unknown[] = [];
  const found = await readOrBury(
    () => opener.change('secrets', change),
    async (reason) => void buried.push(reason),
  );
  return { text: found?.after && Buffer.from(found.after.body).toString(), buried };
}

test('is read while the key service answers', async () => {
  expect(await read(answering, sealed)).toEqual({ text: '{"kind":"Secret"}', buried: [] });
});

test('comes again, and is not buried, while the key service does not answer', async () => {
  const buried: unknown[] = [];
  const opener = bodyOpener(encryption(silent));
  const change: Change = { key: sealed.key, revision: 1, before: undefined, after: sealed, last: undefined };
  const outcome = await readOrBury(
    () => opener.change('secrets', change),
    async (reason) => void buried.push(reason),
  ).catch((error: unknown) => error);
  expect(isKind(outcome, 'ServiceUnavailable')).toBe(true);
  expect(buried).toEqual([]);
});

test('is a dead letter when no key will ever open it', async () => {
  const body = Uint8Array.from(sealed.body);
  const last = body.length - 1;
  body[last] = (body[last] ?? 0) ^ 1;
  const { text, buried } = await read(answering, { ...sealed, body });
  expect(text).toBeUndefined();
  expect(buried).toHaveLength(1);
});

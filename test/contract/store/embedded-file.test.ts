import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { eventually } from '../../support/wait.ts';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-file-'));
  file = join(dir, 'store.sqlite');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (options: Partial<EmbeddedStoreOptions> = {}) =>
  openEmbeddedStore({ dir, clock: systemClock, log: silentLogger, ...options });

async function fill(objects: number): Promise<void> {
  const store = await open();
  await Promise.all(
    Array.from({ length: objects }, (_, i) =>
      store.commit('pods', [{ op: 'create', key: `p${i}`, body: new Uint8Array(2000).fill(i % 250) }]),
    ),
  );
  await store.close();
}

test('a second writer is told who the first one is, and comes in once that has ended', async () => {
  const store = await open();
  await expect(open()).rejects.toMatchObject({
    kind: 'ServiceUnavailable',
    message: expect.stringContaining(`${dir} is in use by another process (pid ${process.pid})`),
  });
  await store.close();
  await (await open()).close();
});

test('what was written is there after a restart, with the head where it was', async () => {
  const store = await open();
  const [a = 0] = await store.commit('pods', [{ op: 'create', key: 'a', body: new Uint8Array([1]) }]);
  const [b = 0] = await store.commit('pods', [
    { op: 'delete', key: 'a', body: new Uint8Array([2]), expected: a },
  ]);
  await store.close();
  const again = await open();
  expect(await again.head('pods')).toBe(b);
  expect(await again.get('pods', 'a')).toBeUndefined();
  expect(await again.commit('pods', [{ op: 'create', key: 'a', body: new Uint8Array([3]) }])).toEqual([
    b + 1,
  ]);
  await again.close();
});

for (const [what, damage] of [
  [
    'overwritten at its beginning',
    async () => writeFile(file, 'this is not a database, but long enough to be read as one'.repeat(20)),
  ],
  ['cut short', async () => truncate(file, Math.floor((await stat(file)).size / 8192 / 2) * 8192)],
  [
    'overwritten in its middle',
    async () => {
      const bytes = await readFile(file);
      bytes.fill(0xa5, 3 * 8192, 40 * 8192);
      await writeFile(file, bytes);
    },
  ],
] as const) {
  test(`a file that was ${what} is refused by name, and stays as it is`, async () => {
    await fill(500);
    await damage();
    const before = await readFile(file);
    const error = await open().catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: 'InternalError', message: expect.stringContaining(file) });
    expect((error as Error).message).toContain('restore');
    expect((await readFile(file)).equals(before)).toBe(true);
  });
}

test('a database of another program is refused', async () => {
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE t (x)');
  other.close();
  await expect(open()).rejects.toThrow('is a database of another program');
});

test('under updates the files stop growing', async () => {
  const store = await open({ historyMs: 50, historyChanges: 500, checkpointBytes: 512 * 1024 });
  const size = async () => {
    const names = await readdir(dir);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size));
    return sizes.reduce((sum, one) => sum + one, 0);
  };
  const body = new Uint8Array(2000);
  const keys = Array.from({ length: 50 }, (_, i) => `pod-${i}`);
  let revisions = await store.commit(
    'pods',
    keys.map((key) => ({ op: 'create', key, body })),
  );
  // Many at once, so that it is not the disk's syncs that the test takes its time for.
  const update = async (times: number) => {
    for (let i = 0; i < times; i += keys.length) {
      const updates = keys.map(
        (key, at) => ({ op: 'replace', key, body, expected: revisions[at] ?? 0 }) as const,
      );
      revisions = await store.commit('pods', updates);
    }
  };
  await update(5000);
  const early = await size();
  await update(10_000);
  // 10,000 states of 2 KB are 20 MB; a bounded history needs none of that.
  await eventually('the files to be no more than twice as large', async () => {
    await update(50);
    return (await size()) < 2 * early;
  });
  await store.close();
});

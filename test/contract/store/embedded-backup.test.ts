import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { backup, restore } from '../../../lib/store/backup/index.ts';
import { openEmbeddedSnapshot, openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { bytes, text } from '../../support/store/bodies.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kumulus-backup-'));
});
afterEach(() => rm(root, { recursive: true }));

const open = (name: string) =>
  openEmbeddedStore({
    dir: join(root, name),
    clock: systemClock,
    log: silentLogger,
    checkpointBytes: 64 * 1024,
  });

test('a backup beside a busy writer is one moment of all types', async () => {
  const store = await open('a');
  // One type is always written after the other, so that at every moment they differ by one at most.
  let isEnough = false;
  const writing = (async () => {
    let first = 0;
    let second = 0;
    for (let i = 0; !isEnough; i++) {
      const body = bytes(String(i));
      const next = (expected: number) =>
        expected === 0
          ? ({ op: 'create', key: 'x', body } as const)
          : ({ op: 'replace', key: 'x', body, expected } as const);
      [first = 0] = await store.commit('alphas', [next(first)]);
      [second = 0] = await store.commit('zetas', [next(second)]);
    }
  })();
  const count = async () => (await store.list('zetas', '')).entries.length;
  while ((await count()) === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let round = 0; round < 20; round++) {
    const snapshot = openEmbeddedSnapshot(join(root, 'a'));
    const file = new PassThrough();
    const content = buffer(file);
    await backup(snapshot, file, systemClock);
    snapshot.close();
    const copy = await open(`copy${round}`);
    await restore(copy, Readable.from(await content));
    const [alpha, zeta] = await Promise.all(
      ['alphas', 'zetas'].map(async (type) => Number(text((await copy.get(type, 'x'))?.body))),
    );
    expect((alpha ?? 0) - (zeta ?? 0)).toBeGreaterThanOrEqual(0);
    expect((alpha ?? 0) - (zeta ?? 0)).toBeLessThanOrEqual(1);
    await copy.close();
  }
  isEnough = true;
  await writing;
  await store.close();
  const after = openEmbeddedSnapshot(join(root, 'a'));
  expect((await after.list('alphas', '')).entries).toHaveLength(1);
  after.close();
});

test('there is nothing to back up where there is no store', () => {
  expect(() => openEmbeddedSnapshot(join(root, 'none'))).toThrow('there is no cluster there');
});

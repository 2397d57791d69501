import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { backup, restore } from '../../../lib/store/backup/index.ts';
import { bytes, text } from '../../support/store/bodies.ts';
import type { StoreHarness } from './contract.ts';

/** A backup of `from` restored into `to`. */
export function describeBackups(from: StoreHarness, to: StoreHarness): void {
  describe(`backup of ${from.name} into ${to.name}`, () => {
    test('brings every object over, taken while writers go on, and revisions never go back', async () => {
      const source = await from.open();
      const target = await to.open();
      try {
        const keys = Array.from({ length: 60 }, (_, i) => `ns/o${String(i).padStart(3, '0')}`);
        for (const key of keys)
          await source.store.commit('pods', [{ op: 'create', key, body: bytes(`pod ${key}`) }]);
        await source.store.commit('secrets', [
          { op: 'create', key: 's', body: new Uint8Array([0, 255, 10, 13]) },
        ]);
        const [gone = 0] = await source.store.commit('nodes', [
          { op: 'create', key: 'n', body: bytes('{}') },
        ]);
        await source.store.commit('nodes', [{ op: 'delete', key: 'n', body: bytes('{}'), expected: gone }]);
        const before = await source.store.list('pods', '');

        const file = new PassThrough();
        const content = buffer(file);
        const [summary] = await Promise.all([
          backup(source.store, file, systemClock),
          source.store.commit('pods', [{ op: 'create', key: 'zz/late', body: bytes('late') }]),
        ]);
        expect(summary.resources).toBe(3);
        const restored = await restore(target.store, Readable.from(await content));
        expect(restored).toEqual(summary);

        const after = await target.store.list('pods', '');
        const objectsOf = (page: typeof after) =>
          page.entries.filter(({ key }) => key !== 'zz/late').map(({ key, body }) => [key, text(body)]);
        expect(objectsOf(after)).toEqual(objectsOf(before));
        expect((await target.store.get('secrets', 's'))?.body).toEqual(new Uint8Array([0, 255, 10, 13]));
        expect((await target.store.list('nodes', '')).entries).toEqual([]);
        for (const { revision } of after.entries) expect(revision).toBeGreaterThan(before.revision);
        expect(await target.store.head('nodes')).toBeGreaterThan(gone);

        await expect(restore(target.store, Readable.from(await content))).rejects.toMatchObject({
          kind: 'Conflict',
        });
      } finally {
        await source.close();
        await target.close();
      }
    });

    test('restores nothing of a file that is cut short, damaged or something else', async () => {
      const source = await from.open();
      const target = await to.open();
      try {
        await source.store.commit('pods', [{ op: 'create', key: 'a', body: bytes('x'.repeat(5000)) }]);
        const file = new PassThrough();
        const content = buffer(file);
        await backup(source.store, file, systemClock);
        const whole = await content;
        const flipped = Buffer.from(whole);
        flipped[30] = (flipped[30] ?? 0) ^ 0xff;
        for (const bad of [
          whole.subarray(0, whole.length - 10),
          flipped,
          Buffer.from('hello'),
          Buffer.alloc(0),
        ]) {
          await expect(restore(target.store, Readable.from([bad]))).rejects.toMatchObject({
            kind: 'BadRequest',
          });
          expect(await target.store.resources()).toEqual([]);
        }
      } finally {
        await source.close();
        await target.close();
      }
    });
  });
}

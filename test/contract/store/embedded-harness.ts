import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';
import type { StoreHarness } from './contract.ts';

/** Each store has a folder of its own, and a clock that only `age` moves. */
export const embedded: StoreHarness = {
  name: 'embedded',
  async open() {
    const dir = await mkdtemp(join(tmpdir(), 'kumulus-store-'));
    const clock = createSteppedClock();
    const store = await openEmbeddedStore({ dir, clock, log: silentLogger });
    return {
      store,
      age: () => clock.step(400_000),
      async close() {
        await store.close();
        await rm(dir, { recursive: true });
      },
    };
  },
};

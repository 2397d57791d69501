/**
 * The process that the kill tests kill: writes as fast as it can, and says on standard output what was
 * acknowledged, one `key revision serial` a line. Run as `node kill-worker.ts DIR SERIAL`.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { StoreConflict } from '../../../lib/store/port.ts';

const [dir = '', firstSerial = '0'] = process.argv.slice(2);
const encoder = new TextEncoder();
const writers = 8;

// Little history and frequent checkpoints, so that a kill also falls into these.
const store = await openEmbeddedStore({
  dir,
  clock: systemClock,
  log: silentLogger,
  historyMs: 200,
  historyChanges: 300,
  checkpointBytes: 256 * 1024,
});
writeSync(1, 'open\n');

async function write(writer: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const serial = Number(firstSerial) + turn * writers + writer;
    const keys = [`w${writer}/${turn % 5}`, `w${writer}/pair${turn % 5}`];
    const body = encoder.encode(`${serial} ${'x'.repeat(serial % 3000)}`);
    const found = await Promise.all(keys.map((key) => store.get('things', key)));
    const isDelete = turn % 7 === 6;
    try {
      const revisions = await store.commit(
        'things',
        keys.map((key, i) => {
          const expected = found[i]?.revision;
          if (expected === undefined) return { op: 'create', key, body };
          return { op: isDelete ? 'delete' : 'replace', key, body, expected };
        }),
      );
      const isGone = found[0] !== undefined && isDelete;
      writeSync(1, keys.map((key, i) => `${key} ${revisions[i]} ${isGone ? 'gone' : serial}\n`).join(''));
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
  }
}

await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));

import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { restore } from '../../lib/store/backup/index.ts';
import { openEmbeddedStore } from '../../lib/store/embedded/index.ts';
import { dataDirOption } from '../options.ts';

export function restoreCommand(): Command {
  return new Command('restore')
    .description('Brings a backup into an empty data directory, before the cluster is started on it.')
    .argument('<file>', 'what `kumulus backup` wrote')
    .addOption(dataDirOption())
    .action(async (file: string, { dataDir }: { dataDir: string }) => {
      if (!existsSync(file)) throw new Error(`${file}: no such file`);
      const dir = join(dataDir, 'store');
      const store = await openEmbeddedStore({ dir, clock: systemClock, log: createLogger('store', 'warn') });
      try {
        const { objects, resources } = await restore(store, createReadStream(file));
        console.log(`${objects} objects of ${resources} resource types are in ${dir}`);
      } finally {
        await store.close();
      }
    });
}

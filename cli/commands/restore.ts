import { createReadStream, existsSync } from 'node:fs';
import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { restore } from '../../lib/store/backup/index.ts';
import { openStore } from '../../localstack/embedded/store.ts';
import { dataDirOption } from '../options.ts';
import { endpointOption, type StoreFlags, storeOf, storeOption } from '../store-options.ts';

export function restoreCommand(): Command {
  return new Command('restore')
    .description('Brings a backup into an empty store, before the cluster is started on it.')
    .argument('<file>', 'what `kumulus backup` wrote, from a store of either kind')
    .addOption(dataDirOption())
    .addOption(storeOption())
    .addOption(endpointOption())
    .action(async (file: string, flags: StoreFlags) => {
      if (!existsSync(file)) throw new Error(`${file}: no such file`);
      const target = storeOf(flags);
      const { store, close } = await openStore({
        ...target,
        clock: systemClock,
        log: createLogger('store', 'warn'),
      });
      try {
        const { objects, resources } = await restore(store, createReadStream(file));
        const where = target.kind === 'embedded' ? target.dir : `the table ${target.table}`;
        console.log(`${objects} objects of ${resources} resource types are in ${where}`);
      } finally {
        await close();
      }
    });
}

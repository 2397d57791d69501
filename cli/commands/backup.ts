import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { backup } from '../../lib/store/backup/index.ts';
import { openEmbeddedSnapshot } from '../../lib/store/embedded/index.ts';
import { openDataDirectory } from '../../localstack/embedded/data-directory.ts';
import { openStore } from '../../localstack/embedded/store.ts';
import { dataDirOption } from '../options.ts';
import { endpointOption, type StoreFlags, storeOf, storeOption } from '../store-options.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description('Writes every object of the cluster into a file, as they are at one moment, while it runs.')
    .argument('<file>', 'where to; a file that is there is replaced once the backup is whole')
    .addOption(dataDirOption())
    .addOption(storeOption())
    .addOption(endpointOption())
    .action(async (file: string, flags: StoreFlags) => {
      const { store: snapshot, close } = await readable(flags);
      const unfinished = `${file}.${process.pid}`;
      try {
        // Secrets are in it.
        const target = createWriteStream(unfinished, { mode: 0o600, flush: true });
        const { objects, resources } = await backup(snapshot, target, systemClock);
        renameSync(unfinished, file);
        console.log(`${objects} objects of ${resources} resource types are in ${file}`);
        const { encryption } = openDataDirectory(flags.dataDir);
        if (existsSync(encryption)) {
          console.log(
            `what is encrypted in it can only be read with ${encryption}: keep a copy of that in another place`,
          );
        }
      } finally {
        rmSync(unfinished, { force: true });
        await close();
      }
    });
}

/** The embedded store has one writer, which may be running: it is read beside it. DynamoDB takes any number of clients. */
async function readable(flags: StoreFlags) {
  const source = storeOf(flags);
  if (source.kind === 'dynamodb') {
    return await openStore({
      ...source,
      mustExist: true,
      clock: systemClock,
      log: createLogger('store', 'warn'),
    });
  }
  const store = openEmbeddedSnapshot(source.dir);
  return { store, close: () => Promise.resolve(store.close()) };
}

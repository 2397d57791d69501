import { constants, copyFileSync, chmodSync, createReadStream, existsSync } from 'node:fs';
import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { createEncryption } from '../../functions/apiserver/encryption/index.ts';
import { loadEncryptionConfig } from '../../functions/apiserver/encryption/config.ts';
import { bodyOpener } from '../../lib/store/encryption/index.ts';
import { beginsWith, sealedPrefix, sealedWith } from '../../lib/store/encryption/transformer.ts';
import type { Entry } from '../../lib/store/port.ts';
import { type Examination, restore } from '../../lib/store/backup/index.ts';
import { openDataDirectory } from '../../localstack/embedded/data-directory.ts';
import { openStore } from '../../localstack/embedded/store.ts';
import { dataDirOption } from '../options.ts';
import { encryptionOption, endpointOption, type StoreFlags, storeOf, storeOption } from '../store-options.ts';

interface RestoreFlags extends StoreFlags {
  encryptionProviderConfig?: string;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('Brings a backup into an empty store, before the cluster is started on it.')
    .argument('<file>', 'what `kumulus backup` wrote, from a store of either kind')
    .addOption(dataDirOption())
    .addOption(storeOption())
    .addOption(endpointOption())
    .addOption(encryptionOption())
    .action(async (file: string, flags: RestoreFlags) => {
      if (!existsSync(file)) throw new Error(`${file}: no such file`);
      const target = storeOf(flags);
      const examination = await readableWith(flags);
      const { store, close } = await openStore({
        ...target,
        clock: systemClock,
        log: createLogger('store', 'warn'),
      });
      try {
        const { objects, resources } = await restore(store, createReadStream(file), examination);
        const where = target.kind === 'embedded' ? target.dir : `the table ${target.table}`;
        console.log(`${objects} objects of ${resources} resource types are in ${where}`);
      } finally {
        await close();
      }
    });
}

/**
 * What is encrypted in a backup must be readable in the cluster that starts on it: with the configuration that is given,
 * which becomes the data directory's, or with the one that is there.
 */
async function readableWith({
  dataDir,
  encryptionProviderConfig: given,
}: RestoreFlags): Promise<Examination> {
  const { encryption: own } = openDataDirectory(dataDir);
  const log = createLogger('store', 'warn');
  const config = given ?? (existsSync(own) ? own : undefined);
  const opener =
    config !== undefined &&
    bodyOpener(await createEncryption(loadEncryptionConfig(config), { clock: systemClock, log }));
  const look = async (resource: string, entry: Entry): Promise<void> => {
    if (!beginsWith(entry.body, sealedPrefix)) return;
    const opened = opener && (await opener.entry(resource, entry));
    if (opened && opened.body !== entry.body) return;
    throw new Error(
      `${resource} "${entry.key}" of the backup is encrypted (${sealedWith(entry.body)}), and its key is not at hand: ` +
        `give the pki/encryption.yaml of the cluster that was backed up with --encryption-provider-config`,
    );
  };
  const passed = () => {
    if (given === undefined || existsSync(own)) return;
    copyFileSync(given, own, constants.COPYFILE_EXCL);
    chmodSync(own, 0o600);
  };
  return { look, passed };
}

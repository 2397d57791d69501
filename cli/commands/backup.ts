import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { backup } from '../../lib/store/backup/index.ts';
import { openEmbeddedSnapshot } from '../../lib/store/embedded/index.ts';
import { dataDirOption } from '../options.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description('Writes every object of the cluster into a file, as they are at one moment, while it runs.')
    .argument('<file>', 'where to; a file that is there is replaced once the backup is whole')
    .addOption(dataDirOption())
    .action(async (file: string, { dataDir }: { dataDir: string }) => {
      const snapshot = openEmbeddedSnapshot(join(dataDir, 'store'));
      const unfinished = `${file}.${process.pid}`;
      try {
        // Secrets are in it.
        const target = createWriteStream(unfinished, { mode: 0o600, flush: true });
        const { objects, resources } = await backup(snapshot, target, systemClock);
        renameSync(unfinished, file);
        console.log(`${objects} objects of ${resources} resource types are in ${file}`);
      } finally {
        rmSync(unfinished, { force: true });
        snapshot.close();
      }
    });
}

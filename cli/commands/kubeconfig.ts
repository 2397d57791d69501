import { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirOption } from '../options.ts';

export function kubeconfigCommand(): Command {
  return new Command('kubeconfig')
    .description("Prints the cluster's kubeconfig, which lets its holder do anything in the cluster.")
    .addOption(dataDirOption())
    .action(({ dataDir }: { dataDir: string }) => {
      const file = join(dataDir, 'kubeconfig');
      if (!existsSync(file)) throw new Error(`${file}: no such file. Start the cluster first: npm start`);
      process.stdout.write(readFileSync(file, 'utf8'));
    });
}

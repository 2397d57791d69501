/** The commands of `kumulus`. Each is in a file of its own under `commands/`. */
import { Command } from 'commander';
import { messageOf } from '../lib/errors.ts';
import { backupCommand } from './commands/backup.ts';
import { doctorCommand } from './commands/doctor.ts';
import { imageCommand } from './commands/image.ts';
import { kubeconfigCommand } from './commands/kubeconfig.ts';
import { nodeCommand } from './commands/node.ts';
import { restoreCommand } from './commands/restore.ts';
import { tokenCommand } from './commands/token.ts';
import { upCommand } from './commands/up.ts';

const program = new Command('kumulus')
  .description('A Kubernetes cluster whose control plane has no servers.')
  .addCommand(upCommand())
  .addCommand(kubeconfigCommand())
  .addCommand(tokenCommand())
  .addCommand(imageCommand())
  .addCommand(nodeCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(doctorCommand())
  .showHelpAfterError('(kumulus --help lists commands and options)');

try {
  await program.parseAsync();
} catch (error) {
  console.error(`kumulus: ${messageOf(error)}`);
  if (process.env.KUMULUS_DEBUG) console.error(error);
  process.exitCode = 1;
}

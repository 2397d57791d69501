/** `kumulus token` alone: kubectl runs it before each command, so that it loads nothing else. */
import { messageOf } from '../lib/errors.ts';
import { tokenCommand } from './commands/token.ts';

try {
  await tokenCommand().parseAsync();
} catch (error) {
  console.error(`kumulus: ${messageOf(error)}`);
  process.exitCode = 1;
}

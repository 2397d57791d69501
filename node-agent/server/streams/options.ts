import { KumulusError } from '../../../lib/errors.ts';
import type { StreamOptions } from '../../cri/types.ts';
import { boolean } from '../logs/options.ts';

/** Which streams an exec or attach asks for, by kubelet's names (`input`, `output`, `error`) or the API's. */
export function parseStreamOptions(query: URLSearchParams): StreamOptions {
  const tty = boolean(query, 'tty');
  const options: StreamOptions = {
    tty,
    stdin: boolean(query, 'input') || boolean(query, 'stdin'),
    stdout: boolean(query, 'output') || boolean(query, 'stdout'),
    // A terminal has one output.
    stderr: !tty && (boolean(query, 'error') || boolean(query, 'stderr')),
  };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw new KumulusError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr');
  }
  return options;
}

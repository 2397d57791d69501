import { networkInterfaces } from 'node:os';
import { runCommand } from '../../lib/process/run.ts';

/** Set aside for documentation (RFC 5737): nobody has it. */
const spare = '192.0.2.77';

/**
 * An IPv4 address of this machine that is not of loopback, as a pod's is. A machine without one is given one for the time
 * of the test, which needs root and Linux.
 */
export async function ownAddress(): Promise<{ address: string; release(): Promise<void> }> {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  if (found) return { address: found, release: async () => {} };
  const change = (verb: 'add' | 'del') => runCommand('ip', ['addr', verb, `${spare}/32`, 'dev', 'lo']);
  await change('add');
  return {
    address: spare,
    release: async () => {
      await change('del');
    },
  };
}

import { isIPv6 } from 'node:net';
import { runCommand } from '../../lib/process/run.ts';

/**
 * Makes the addresses the node's own, so that packets to them end here and are not forwarded. They stand on the loopback
 * interface: it is always there, while a dummy interface needs a kernel module that small kernels lack.
 */
export async function ensureAddresses(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    await runCommand('ip', ['address', 'replace', `${address}/${isIPv6(address) ? 128 : 32}`, 'dev', 'lo']);
  }
}

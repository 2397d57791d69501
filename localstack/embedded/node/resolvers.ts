import { existsSync, readFileSync } from 'node:fs';

/** systemd-resolved keeps the servers behind its stub here. */
const candidates = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/**
 * The machine's name servers as a node can reach them. A stub on the machine's loopback cannot be reached from a node's
 * network namespace, so the servers behind it are looked for.
 */
export function upstreamResolvers(files: readonly string[] = candidates): string[] {
  for (const file of files) {
    if (!existsSync(file)) continue;
    const servers = [...readFileSync(file, 'utf8').matchAll(/^\s*nameserver\s+(\S+)/gm)]
      .map(([, address]) => address ?? '')
      .filter((address) => !address.startsWith('127.') && address !== '::1');
    if (servers.length > 0) return servers;
  }
  return [];
}

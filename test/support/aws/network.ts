/** The network of a stack's nodes on this machine, and a way for them to reach an emulator that listens on loopback alone. */
import { createServer, connect, type Socket } from 'node:net';
import { runCommand } from '../../../lib/process/run.ts';
import {
  ensureClusterNetwork,
  hostAddress,
  removeClusterNetwork,
} from '../../../localstack/embedded/node/network.ts';
import type { ClusterSettings } from '../../../localstack/embedded/settings.ts';

/** Passes connections on from the bridge's address to the same port of loopback. */
export async function openNodeNetwork(
  settings: ClusterSettings,
  port: number,
): Promise<{ address: string; close(): Promise<void> }> {
  await ensureClusterNetwork(settings);
  const address = hostAddress(settings);
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one);
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.once('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  return {
    address,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await removeClusterNetwork(settings);
    },
  };
}

/** A certificate that signs itself, for the emulator to show at these addresses. */
export async function selfSigned(file: string, keyFile: string, addresses: readonly string[]): Promise<void> {
  const names = ['DNS:localhost', ...addresses.map((address) => `IP:${address}`)].join(',');
  const extensions = [
    `subjectAltName=${names}`,
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
  ];
  await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=emulator', '-keyout', keyFile, '-out', file],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
}

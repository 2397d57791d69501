import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../lib/errors.ts';
import { ensureDebianPackages } from '../../../localstack/embedded/install.ts';
import { which } from '../../../localstack/embedded/requirements.ts';
import { freePort } from '../../support/free-port.ts';
import { eventually } from '../../support/wait.ts';

export interface Etcd {
  address: string;
  /** Conditional updates a second by so many writers, from as many processes as it takes. */
  updates(
    writers: number,
    options: { first: number; ms: number; sizeBytes: number; processes: number },
  ): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Debian's etcd on loopback with its data in `dir`, durable as it is by default. It is installed where that is possible;
 * otherwise undefined, and `say` is told why.
 */
export async function startEtcd(dir: string, say: (line: string) => void): Promise<Etcd | undefined> {
  const reason = await installEtcd(say);
  if (reason) {
    say(`no peer is measured: ${reason}`);
    return undefined;
  }
  const [client, peer] = await Promise.all([freePort(), freePort()]);
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const server = spawn(
    '/usr/bin/etcd',
    [
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${url(client)}`,
      `--advertise-client-urls=${url(client)}`,
      `--listen-peer-urls=${url(peer)}`,
      `--initial-advertise-peer-urls=${url(peer)}`,
      `--initial-cluster=default=${url(peer)}`,
      '--quota-backend-bytes=4294967296',
      '--log-level=error',
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const address = `127.0.0.1:${client}`;
  await eventually('etcd answers', async () => (await fetch(`${url(client)}/health`)).ok);
  return {
    address,
    updates: async (writers, { first, ms, sizeBytes, processes }) => {
      const clients = Array.from({ length: processes }, (_, i) => {
        const child = fork(join(import.meta.dirname, 'etcd-writer.ts'), [address], { stdio: 'inherit' });
        const share = writers / processes;
        child.send({ first: first + i * share, writers: share, ms, sizeBytes });
        return child;
      });
      await Promise.all(clients.map(message));
      const answers = clients.map(message);
      for (const child of clients) child.send('go');
      const updates = (await Promise.all(answers)) as { updates: number }[];
      return (updates.reduce((sum, one) => sum + one.updates, 0) / ms) * 1000;
    },
    async stop() {
      server.kill('SIGTERM');
      await exited;
    },
  };
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a client of etcd ended with ${code}`)));
  });
}

/** Why etcd is not there; undefined when it is. */
async function installEtcd(say: (line: string) => void): Promise<string | undefined> {
  const isThere = () => existsSync('/usr/bin/etcd');
  if (isThere()) return undefined;
  if (process.platform !== 'linux' || !which('apt-get'))
    return "etcd is not installed, and only Debian's package is known to install it by itself";
  if (process.getuid?.() !== 0)
    return 'etcd is not installed, and only root may install it: apt-get install etcd-server';
  try {
    await ensureDebianPackages(['etcd-server'], say);
  } catch (error) {
    return messageOf(error);
  }
  return isThere() ? undefined : 'etcd-server is installed, and there is no /usr/bin/etcd';
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { parse } from 'yaml';
import { publicKeyHash } from '../../lib/certificates/sign.ts';
import { createHttpsTransport } from '../../lib/client/https.ts';
import { createKubeClient } from '../../lib/client/kube-client.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { configMaps } from '../../lib/client/resources.ts';
import { BrokenConnection } from '../../lib/client/transport.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';

import {
  type BootstrapToken,
  createBootstrapToken,
  deleteBootstrapToken,
  listBootstrapTokens,
} from '../bootstrap-tokens.ts';
import { dataDirOption, durationMs } from '../options.ts';
import { nodeJoinCommand } from './node-join.ts';
import { nodeUpCommand } from './node-up.ts';
import { askerOf } from '../service-account.ts';

export function nodeCommand(): Command {
  const token = new Command('token')
    .description('Bootstrap tokens: whoever holds one may ask for the certificate of a node.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(deleteCommand());
  return new Command('node')
    .description('Makes machines nodes.')
    .addCommand(nodeJoinCommand())
    .addCommand(nodeUpCommand())
    .addCommand(token);
}

function createCommand(): Command {
  return new Command('create')
    .description('Makes a token and prints it.')
    .addOption(dataDirOption())
    .addOption(
      new Option('--ttl <duration>', 'how long it is good; 0: for ever')
        .default(24 * 3_600_000, '24h')
        .argParser(durationMs),
    )
    .option('--description <text>', 'what it is for', '')
    .option(
      '--print-join-command',
      'print the command that makes a machine a node with it, instead of the token',
    )
    .action(async ({ dataDir, ttl, description, printJoinCommand }: CreateOptions) => {
      const line = await asAdministrator(dataDir, async (client) => {
        // Read first: a token that nobody is told of is not made.
        const join = printJoinCommand ? await joinCommandOf(client) : undefined;
        const token = await createBootstrapToken(client, { ttlMs: ttl, description, clock: systemClock });
        return join ? join(token) : token;
      });
      console.log(line);
    });
}

interface CreateOptions {
  dataDir: string;
  ttl: number;
  description: string;
  printJoinCommand?: boolean;
}

/** What the cluster says of itself to those who join (kube-public/cluster-info). */
async function joinCommandOf(client: KubeClient): Promise<(token: string) => string> {
  const { data = {} } = await client.get(configMaps, { namespace: 'kube-public', name: 'cluster-info' });
  const { clusters } = parse(data['kubeconfig'] ?? '') as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const cluster = clusters[0]?.cluster;
  if (!cluster) throw new Error('kube-public/cluster-info: data.kubeconfig: Required value: a cluster');
  const hash = publicKeyHash(Buffer.from(cluster['certificate-authority-data'], 'base64').toString());
  return (token) =>
    `kumulus node join --server ${cluster.server} --token ${token} --discovery-token-ca-cert-hash ${hash}`;
}

function listCommand(): Command {
  return new Command('list')
    .description('Prints every token, with how long it is good.')
    .addOption(dataDirOption())
    .action(async ({ dataDir }: { dataDir: string }) => {
      const tokens = await asAdministrator(dataDir, listBootstrapTokens);
      console.log(tableOf(tokens, systemClock));
    });
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('Takes a token back: from now on it opens nothing.')
    .argument('<token>', 'the token, or its part before the dot')
    .addOption(dataDirOption())
    .action(async (token: string, { dataDir }: { dataDir: string }) => {
      const id = await asAdministrator(dataDir, (client) => deleteBootstrapToken(client, token));
      console.log(`bootstrap token ${id} deleted`);
    });
}

async function asAdministrator<T>(dataDir: string, work: (client: KubeClient) => Promise<T>): Promise<T> {
  const kubeconfig = join(dataDir, 'kubeconfig');
  if (!existsSync(kubeconfig))
    throw new Error(`there is no cluster in ${dataDir}. Start one (npm start), or name its --data-dir.`);
  const asker = askerOf(kubeconfig);
  const { transport, close } = createHttpsTransport(asker);
  try {
    return await work(createKubeClient(transport, { maxRetries: 1, requestTimeoutMs: 15_000 }));
  } catch (error) {
    if (!(error instanceof BrokenConnection)) throw error;
    const message = `nobody answers at ${asker.server}. Start the cluster first: npm start`;
    throw new Error(message, { cause: error });
  } finally {
    close();
  }
}

function tableOf(tokens: readonly BootstrapToken[], clock: Clock): string {
  const rows = [
    ['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'],
    ...tokens.map(({ token, expires, usages, description, groups }) => [
      token,
      expires ? leftOf(Date.parse(expires) - clock.now()) : '<forever>',
      expires ?? '<never>',
      usages.join(',') || '<none>',
      description || '<none>',
      groups || '<none>',
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

function leftOf(ms: number): string {
  if (!(ms > 0)) return '<invalid>';
  const minutes = Math.floor(ms / 60_000);
  return minutes >= 60 ? `${Math.floor(minutes / 60)}h` : minutes > 0 ? `${minutes}m` : '<1m';
}

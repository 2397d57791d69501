import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDynamoClient } from '../../../lib/store/dynamodb/index.ts';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { eventually } from '../wait.ts';
import { freePort } from '../free-port.ts';

/**
 * AWS's own DynamoDB Local, which the npm package `amplify-dynamodb-simulator` carries. Only its files are wanted: its
 * dependencies (a whole CDK among them) would be ten times as much.
 */
const release = 'amplify-dynamodb-simulator@2.9.30';
const releaseSha512 =
  'xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==';
const cache = join(import.meta.dirname, '../../../node_modules/.cache/dynamodb-local');
const run = promisify(execFile);

/** A DynamoDB that answers at `endpoint` until it is stopped. */
export interface DynamoDbEndpoint {
  endpoint: string;
  stop(): Promise<void>;
}

/** What a client of it is made with: it takes any credentials, and keeps tables of each apart. */
export const localCredentials = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

/**
 * Starts one in memory on a free port of loopback. Needs Java 17. With `KUMULUS_DYNAMODB_ENDPOINT` set the tests run
 * against what answers there instead.
 */
export async function startDynamoDbLocal(): Promise<DynamoDbEndpoint> {
  const given = process.env.KUMULUS_DYNAMODB_ENDPOINT;
  if (given) return { endpoint: given, stop: async () => {} };
  const home = await download();
  const port = await freePort();
  const java = spawn(
    'java',
    [
      '-Xmx512m',
      '-Djava.library.path=./DynamoDBLocal_lib',
      '-jar',
      'DynamoDBLocal.jar',
      '-inMemory',
      '-port',
      String(port),
    ],
    { cwd: home, stdio: 'ignore' },
  );
  let failure: Error | undefined;
  const exited = new Promise<void>((resolve) =>
    java.once('exit', (code, signal) => {
      failure ??= new Error(`DynamoDB Local ended with ${code ?? signal} on port ${port}`);
      resolve();
    }),
  );
  java.once('error', (error) => {
    failure = new Error('DynamoDB Local needs Java 17: apt-get install openjdk-17-jre-headless', {
      cause: error,
    });
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = createDynamoClient({ endpoint, ...localCredentials });
  try {
    await eventually(
      'DynamoDB Local answers',
      () => {
        if (failure) return true;
        return client.send(new ListTablesCommand({})).then(() => true);
      },
      { withinMs: 200_000, everyMs: 200 },
    );
  } finally {
    client.destroy();
  }
  if (failure) throw failure;
  return {
    endpoint,
    async stop() {
      java.kill('SIGKILL');
      await exited;
    },
  };
}

async function download(): Promise<string> {
  const home = join(cache, release, 'package', 'emulator');
  if (existsSync(join(home, 'DynamoDBLocal.jar'))) return home;
  const work = join(cache, `${process.pid}`);
  await mkdir(work, { recursive: true });
  const { stdout } = await run('npm', ['pack', release, '--silent', '--pack-destination', work], {
    cwd: work,
  });
  const packed = join(work, stdout.trim());
  const sha512 = createHash('sha512')
    .update(await readFile(packed))
    .digest('base64');
  if (sha512 !== releaseSha512) {
    await rm(work, { recursive: true });
    throw new Error(`${release}: its SHA-512 is ${sha512}, not ${releaseSha512}; it was not unpacked`);
  }
  await run('tar', ['-xzf', packed], { cwd: work });
  await rm(packed);
  // Another test may have been faster; then its copy is as good.
  await rename(work, join(cache, release)).catch(() => rm(work, { recursive: true }));
  return home;
}

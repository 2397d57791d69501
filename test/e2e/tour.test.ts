import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandFailed, runCommand } from '../../lib/process/run.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { kubectlPath } from '../support/kubectl.ts';
import { difference, readSteps } from '../support/readme.ts';
import { startDynamoDbLocal } from '../support/store/dynamodb-local.ts';
import { eventually } from '../support/wait.ts';

const root = join(import.meta.dirname, '..', '..');
const tourTimeoutMs = 900_000;

test("every step of the README's tour prints what the README shows", { timeout: tourTimeoutMs }, async () => {
  await using cluster = disposable(await startTestCluster());
  await takeTour(cluster);
});

test('the same tour on DynamoDB', { timeout: tourTimeoutMs }, async () => {
  const dynamo = await startDynamoDbLocal();
  try {
    const args = ['--store', 'dynamodb', '--endpoint', dynamo.endpoint];
    await using cluster = disposable(await startTestCluster({ args }));
    await takeTour(cluster);
  } finally {
    await dynamo.stop();
  }
});

/** Changes nothing and may be asked again: a Service follows its pods a moment later, and a reader is slower than this. */
const isQuestion = /^kubectl exec client -- wget|^NODE=.*curl/s;

async function takeTour(cluster: TestCluster): Promise<void> {
  const bin = join(cluster.dataDir, 'bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(kubectlPath(), join(bin, 'kubectl'));
  const env = {
    // Without what npm tells the scripts that it runs: a reader's shell has none of it.
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
    PATH: `${bin}:${process.env.PATH}`,
    KUBECONFIG: cluster.kubeconfig,
    // Where the reader's own cluster lies, and the test's.
    KUMULUS_DATA_DIR: cluster.dataDir,
    HOME: cluster.dataDir,
    npm_config_update_notifier: 'false',
    npm_config_loglevel: 'error',
  };
  const steps = readSteps(join(root, 'README.md'), '## A tour in ten minutes');
  expect(steps.length).toBeGreaterThan(15);
  for (const { command, shown } of steps) {
    if (isQuestion.test(command)) {
      await eventually(`$ ${command}\n${shown.join('\n')}`, async () => {
        const parted = difference(shown, await shell(command, env));
        if (parted) throw new Error(parted);
        return true;
      });
      continue;
    }
    const output = await shell(command, env);
    expect(difference(shown, output), `$ ${command}\n${output}`).toBeUndefined();
  }
}

/** As a terminal shows it: both outputs, and what a failing command prints too. */
async function shell(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return await runCommand('bash', ['-c', `exec 2>&1\n${command}`], { cwd: root, env, timeoutMs: 200_000 });
  } catch (error) {
    if (error instanceof CommandFailed) throw new Error(`$ ${command}\n${error.stdout}`, { cause: error });
    throw error;
  }
}

function disposable(cluster: TestCluster): TestCluster & AsyncDisposable {
  return Object.assign(cluster, { [Symbol.asyncDispose]: () => cluster.remove() });
}

/** One cluster from `cdk bootstrap` to `cdk destroy`, in order: each test goes on from what the one before it left. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandFailed, runCommand } from '../../lib/process/run.ts';
import { type StackNode, startStackNode } from '../support/aws/node.ts';
import { startTestStack, type TestStack } from '../support/aws/stack.ts';
import { kubectlFor, refusal } from '../support/kubectl.ts';
import { eventually } from '../support/wait.ts';

const root = join(import.meta.dirname, '../..');
/** What `kumulus doctor` finds; it exits with 1 when something is bad. */
async function doctor(): Promise<{ state: string; about: string; found: string }[]> {
  const output = await stack.kumulus(['doctor', '--stack', stack.name, '--json']).catch((error: unknown) => {
    if (error instanceof CommandFailed && error.exitCode === 1) return error.stdout;
    throw error;
  });
  return (JSON.parse(output) as { findings: Awaited<ReturnType<typeof doctor>> }).findings;
}

let stack: TestStack;
let node: StackNode | undefined;
let failed = false;

beforeAll(async () => {
  stack = await startTestStack();
}, 300_000);

afterAll(async () => {
  if (failed) {
    console.error(stack?.log().slice(-30_000));
    for (const file of ['agent-node-1.log', 'containerd-node-1.log']) {
      const path = join(stack.dir, 'logs', file);
      if (existsSync(path)) console.error(readFileSync(path, 'utf8').slice(-10_000));
    }
  }
  await node?.stop();
  await stack?.stop();
});

/** As `test`, and remembers that one failed, so that the emulator's log is shown. */
const step = (name: string, body: () => Promise<void>, timeoutMs = 300_000) =>
  test(
    name,
    async () => {
      try {
        await body();
      } catch (error) {
        failed = true;
        throw error;
      }
    },
    timeoutMs,
  );

describe('a cluster on an emulator of AWS', () => {
  step('is there after bootstrap and deploy, for whoever may assume its role', async () => {
    const namespaces = await stack.kubectl('get namespaces -o name');
    expect(namespaces.trim().split('\n').sort()).toEqual([
      'namespace/default',
      'namespace/kube-node-lease',
      'namespace/kube-public',
      'namespace/kube-system',
    ]);
    expect(await stack.kubectl('auth whoami -o jsonpath={.status.userInfo.groups}')).toContain(
      'system:masters',
    );
  });

  step('keeps out who has no access entry, and who has no token', async () => {
    const own = join(stack.dir, 'own-identity');
    writeFileSync(own, await stack.kumulus(['kubeconfig', '--stack', stack.name, '--own-identity']));
    const stranger = await refusal(kubectlFor(own)('get namespaces'));
    expect(stranger).toMatch(/Unauthorized|must be logged in|provide credentials/);
    const answer = await fetch(`${stack.server}/api/v1/namespaces`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  });

  step('gives every namespace what controllers give it, driven by the table’s stream', async () => {
    await stack.kubectl('create namespace shop');
    await eventually('its service account', () => stack.kubectl('get serviceaccount default -n shop'));
    await eventually('its root certificate', () => stack.kubectl('get configmap kube-root-ca.crt -n shop'));
  });

  step('is joined by a machine, which is known by its IAM role alone', async () => {
    node = await startStackNode(stack);
    expect(await stack.kubectl('get nodes --no-headers')).toMatch(/^node-1\s+Ready\s/);
    const image = join(stack.dir, 'hello.tar');
    await runCommand('sh', [join(root, 'examples/hello/build.sh'), '1.0', image]);
    await node.loadImage(image);
  });

  step('runs the containers of a Deployment', async () => {
    await stack.kubectl(`apply -n shop -f ${join(root, 'examples/hello/hello.yaml')}`);
    const status = await stack.kubectl('rollout status deployment/hello -n shop --timeout=240s', {
      timeoutMs: 250_000,
    });
    expect(status).toContain('successfully rolled out');
    const phases = await stack.kubectl('get pods -n shop -o jsonpath={.items[*].status.phase}');
    expect(phases.trim().split(' ')).toEqual(['Running', 'Running']);
  });

  step('shows what they print', async () => {
    await stack.kubectl(
      'run greeter -n shop --image=hello:1.0 --restart=Never --command -- echo hello from afar',
    );
    await stack.kubectl('wait pod/greeter -n shop --for=jsonpath={.status.phase}=Succeeded --timeout=240s', {
      timeoutMs: 250_000,
    });
    expect(await stack.kubectl('logs greeter -n shop')).toBe('hello from afar\n');
  });

  step('says what exec needs', async () => {
    expect(await refusal(stack.kubectl('exec -n shop deployment/hello -- hostname'))).toContain('Edge');
  });

  step('a watch goes on over the ends of each answer, and misses nothing', async () => {
    const [waited] = await Promise.all([
      stack.kubectl('wait deployment/hello -n shop --for=jsonpath={.status.readyReplicas}=4 --timeout=240s', {
        timeoutMs: 250_000,
      }),
      stack.kubectl('scale deployment hello -n shop --replicas=4'),
    ]);
    expect(waited).toContain('condition met');
  });

  step('puts work that can never be done with the dead letters, where doctor shows it', async () => {
    const healthy = await doctor();
    expect(healthy.filter(({ state }) => state === 'bad')).toEqual([]);
    expect(healthy).toContainEqual({ state: 'good', about: 'nodes', found: '1 ready' });

    const sqs = new SQSClient({ ...stack.client, useQueueUrlAsEndpoint: false });
    const { QueueUrls: urls = [] } = await sqs.send(new ListQueuesCommand({}));
    const work = urls.find((url) => /QueuesWork.*\.fifo$/.test(url));
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: work,
        MessageBody: '{"controller":"replicaset"}',
        MessageGroupId: 'poison',
        MessageDeduplicationId: 'poison',
      }),
    );
    const found = await eventually('a dead letter that doctor shows', async () => {
      const findings = await doctor();
      return findings.find(({ about, state }) => about === 'dead letters' && state === 'bad');
    });
    expect(found).toMatchObject({ found: expect.stringContaining('{"controller":"replicaset"}') });
    // It holds up nobody: the next change goes its way.
    await stack.kubectl('create namespace after-poison');
    await eventually('its service account', () =>
      stack.kubectl('get serviceaccount default -n after-poison'),
    );
    sqs.destroy();
  });

  step('deletes a namespace with all that is in it', async () => {
    await stack.kubectl('delete namespace shop --timeout=240s', { timeoutMs: 250_000 });
    const left = await refusal(stack.kubectl('get namespace shop'));
    expect(left).toContain('not found');
  });

  step('is gone after destroy: no table, no queue, no key is left', async () => {
    await stack.destroy();
    const { client } = stack;
    const tables = await new DynamoDBClient(client).send(new ListTablesCommand({}));
    expect(tables.TableNames).toEqual([]);
    const queues = await new SQSClient(client).send(new ListQueuesCommand({}));
    expect(queues.QueueUrls ?? []).toEqual([]);
    const keys = await new SSMClient(client).send(
      new GetParametersByPathCommand({ Path: stack.outputs.keysPath }),
    );
    expect(keys.Parameters).toEqual([]);
  });
});

/** One cluster from `cdk bootstrap` to `cdk destroy`, in order: each test goes on from what the one before it left. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestStack, type TestStack } from '../support/aws/stack.ts';
import { kubectlFor, refusal } from '../support/kubectl.ts';
import { eventually } from '../support/wait.ts';

let stack: TestStack;
let failed = false;

beforeAll(async () => {
  stack = await startTestStack();
}, 300_000);

afterAll(async () => {
  if (failed) console.error(stack?.log().slice(-30_000));
  await stack?.stop();
});

/** As `test`, and remembers that one failed, so that the emulator's log is shown. */
const step = (name: string, body: () => Promise<void>, timeoutMs = 120_000) =>
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

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'simulated', labels: { 'kubernetes.io/hostname': 'simulated' } },
  spec: {},
};
const resources = { cpu: '4', memory: '8Gi', pods: '110' };

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

  step('places the pods of a Deployment on a node', async () => {
    await stack.kubectl('apply -f -', { input: JSON.stringify(node) });
    const status = {
      capacity: resources,
      allocatable: resources,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Simulated',
          message: '',
          lastHeartbeatTime: new Date().toISOString(),
          lastTransitionTime: new Date().toISOString(),
        },
      ],
    };
    await stack.kubectl(
      `patch node simulated --subresource=status --type=merge -p '${JSON.stringify({ status })}'`,
    );
    await stack.kubectl('create deployment web -n shop --image=hello:1.0 --replicas=3');
    await eventually('three pods on the node', async () => {
      const nodes = await stack.kubectl('get pods -n shop -o jsonpath={.items[*].spec.nodeName}');
      return (
        nodes
          .trim()
          .split(/\s+/)
          .filter((name) => name === 'simulated').length === 3
      );
    });
  });

  step('a watch goes on over the ends of each answer, and misses nothing', async () => {
    const waiting = stack.kubectl(
      'wait deployment/web -n shop --for=jsonpath={.spec.replicas}=5 --timeout=60s',
    );
    await stack.kubectl('scale deployment web -n shop --replicas=5');
    expect(await waiting).toContain('condition met');
  });

  step('deletes a namespace with all that is in it', async () => {
    await stack.kubectl('delete pods --all -n shop --force --grace-period=0');
    await stack.kubectl('delete namespace shop --timeout=90s');
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

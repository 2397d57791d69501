/** Nodes of a stack: what they hear of changes by, how their pods reach the API, and streams as CloudFront brings them. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { nodeQueueName } from '../../lib/node-queue/names.ts';
import { writeImageArchive, machineArchitecture } from '../../node-agent/images/archive.ts';
import { type Front, startFront } from '../support/aws/front.ts';
import { type StackNodes, startStackNodes } from '../support/aws/nodes.ts';
import { startTestStack, type TestStack } from '../support/aws/stack.ts';
import { buildBusyboxImage } from '../support/images.ts';
import { kubectlFor, kubectlPath, refusal } from '../support/kubectl.ts';
import { eventually } from '../support/wait.ts';

const gatewayPort = 10480;
const image = 'kumulus.test/box:1';
const kubectlImage = 'kumulus.test/kubectl:1';

let stack: TestStack;
let machines: StackNodes;
let front: Front;
/** kubectl by way of the front, and by way of the endpoint alone. */
let throughEdge: ReturnType<typeof kubectlFor>;
let sqs: SQSClient;

beforeAll(async () => {
  // With what AWS KMS can do: tokens of pods are signed, and Secrets are sealed, by its keys.
  stack = await startTestStack({ tokenKey: 'kms', secretsKey: 'kms' });
  sqs = new SQSClient({ ...stack.client, useQueueUrlAsEndpoint: false });
  machines = await startStackNodes(stack, 2);
  const box = join(stack.dir, 'box.tar');
  await buildBusyboxImage(box, { name: image });
  const tool = join(stack.dir, 'kubectl.tar');
  await writeImageArchive(tool, {
    name: kubectlImage,
    architecture: machineArchitecture(),
    layer: [{ type: 'file', path: 'kubectl', mode: 0o755, content: readFileSync(kubectlPath()) }],
    config: { entrypoint: ['/kubectl'] },
  });
  for (const file of [box, tool]) await machines.loadImage(file);
  front = await startFront({
    certificateFile: stack.certificateFile,
    keyFile: join(stack.dir, 'emulator.key'),
    gateway: { host: machines.nodes[0]?.ip ?? '', port: gatewayPort },
    endpoint: stack.server,
  });
  throughEdge = edgeKubectl();
}, 1_200_000);

afterAll(async () => {
  await front?.close();
  await machines?.stop();
  sqs?.destroy();
  await stack?.stop();
}, 180_000);

/** A part of a JSON Web Token. */
function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
}

/** The kubeconfig of the stack, with the front in the endpoint's place. */
function edgeKubectl(): ReturnType<typeof kubectlFor> {
  const config = parse(readFileSync(stack.kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, unknown> }[];
  };
  for (const one of config.clusters) {
    one.cluster = { server: front.url, 'certificate-authority': stack.certificateFile };
  }
  const file = join(stack.dir, 'edge.kubeconfig');
  writeFileSync(file, stringify(config));
  const plain = kubectlFor(file);
  return (args, options = {}) =>
    plain(args, { timeoutMs: 180_000, ...options, env: { ...stack.environment, ...options.env } });
}

const agentLog = (node: string) => {
  const file = machines.logFile(node);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

/** A pod on one node, of the box that sleeps or of what is given. */
async function run(name: string, node: string, more: object = {}): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      restartPolicy: 'Never',
      containers: [{ name: 'main', image, command: ['sh', '-c', 'echo started; exec sleep 3600'] }],
      ...more,
    },
  };
  const file = join(stack.dir, `${name}.json`);
  writeFileSync(file, JSON.stringify(pod));
  await eventually('the pod is made', () => stack.kubectl(`apply -f ${file}`), { withinMs: 120_000 });
}

const running = (name: string) =>
  stack.kubectl(`wait pod/${name} --for=condition=Ready --timeout=300s`, { timeoutMs: 320_000 });

describe('nodes of a stack', () => {
  test('have a queue of their own, through which they hear of their pods', async () => {
    for (const { name } of machines.nodes) {
      const queue = nodeQueueName(stack.name, name);
      const urls = await eventually(
        'the queue',
        async () => {
          const { QueueUrls: found = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: queue }));
          return found.length > 0 && found;
        },
        { withinMs: 240_000 },
      );
      expect(urls).toHaveLength(1);
      await eventually(
        'the agent reads it',
        () => agentLog(name).includes('hears of changes through its queue'),
        {
          withinMs: 240_000,
        },
      );
    }
    // Lists come every ten minutes: in less only notices can have told of them.
    await run('first', 'node-1');
    await run('second', 'node-2');
    await running('first');
    await running('second');
  });

  test('let their pods reach the API by its Service, with the token and the authority that are mounted', async () => {
    await stack.kubectl('create rolebinding viewer --clusterrole=admin --serviceaccount=default:default');
    await run('client', 'node-1', {
      containers: [{ name: 'main', image: kubectlImage, args: ['get', 'pods', '-o', 'name'] }],
    });
    await stack.kubectl('wait pod/client --for=jsonpath={.status.phase}=Succeeded --timeout=300s', {
      timeoutMs: 320_000,
    });
    expect((await throughEdge('logs client')).trim().split('\n').sort()).toEqual([
      'pod/client',
      'pod/first',
      'pod/second',
    ]);
  });

  test('let their pods have streams too, of pods on other nodes', async () => {
    await running('second');
    const args = ['exec', 'second', '--', 'hostname'];
    await run('executor', 'node-1', { containers: [{ name: 'main', image: kubectlImage, args }] });
    await stack.kubectl('wait pod/executor --for=jsonpath={.status.phase}=Succeeded --timeout=300s', {
      timeoutMs: 320_000,
    });
    expect(await throughEdge('logs executor')).toBe('second\n');
  });
});

describe('keys of AWS KMS', () => {
  test('sign the tokens of pods, as those say and the issuer tells everybody', async () => {
    const [header = '', payload = ''] = (await stack.kubectl('create token default')).split('.');
    const { alg, kid } = decoded(header);
    const { iss: issuer } = decoded(payload);
    expect(alg).toBe('ES256');
    // AWS knows the endpoint by this name; here it goes by another.
    expect(issuer).toBe(stack.outputs.endpoint.replace(/\/$/, ''));
    const published = async (path: string) =>
      (await (await fetch(`${stack.server}${path}`)).json()) as object;
    expect(await published('/.well-known/openid-configuration')).toMatchObject({ issuer });
    expect(await published('/openid/v1/jwks')).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ kid, kty: 'EC', crv: 'P-256' })]),
    });
  });

  test('seal Secrets in the table', async () => {
    await stack.kubectl('create secret generic sealed --from-literal=word=open-sesame');
    expect(await stack.kubectl('get secret sealed -o jsonpath={.data.word}')).toBe(btoa('open-sesame'));
    const dynamodb = new DynamoDBClient(stack.client);
    const { Items: items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: stack.outputs.tableName,
        KeyConditionExpression: 'pk = :pk AND sk = :sk',
        ExpressionAttributeValues: { ':pk': { S: 'o#secrets' }, ':sk': { S: 'default/sealed' } },
      }),
    );
    dynamodb.destroy();
    expect(items).toHaveLength(1);
    const bodies = Object.values(items[0] ?? {}).flatMap(({ B: bytes }) =>
      bytes ? [Buffer.from(bytes)] : [],
    );
    expect(bodies.map((body) => body.toString('latin1'))).toEqual([
      expect.stringContaining('k8s:enc:kms:v2:stack:'),
    ]);
  });
});

describe('streams through the edge', () => {
  test('are not carried by the endpoint alone, which says what they need', async () => {
    expect(await refusal(stack.kubectl('exec first -- hostname'))).toContain('Edge');
    expect(await refusal(stack.kubectl('attach first'))).toContain('Edge');
  });

  test.each(['first', 'second'])('run commands in %s, whichever node was asked', async (pod) => {
    expect(await throughEdge(`exec ${pod} -- hostname`)).toBe(`${pod}\n`);
    expect(await throughEdge(`exec -i ${pod} -- cat`, { input: 'through the edge' })).toBe(
      'through the edge',
    );
    const failed = await refusal(throughEdge(`exec ${pod} -- sh -c 'exit 7'`));
    expect(failed).toContain('exit code 7');
  });

  test.each(['first', 'second'])('show the log of %s', async (pod) => {
    expect(await throughEdge(`logs ${pod}`)).toBe('started\n');
    expect(front.streamed.some((path) => path.includes(`/pods/${pod}/log`))).toBe(true);
  });

  test('follow a log for as long as it grows', async () => {
    const script = 'for i in 1 2 3; do echo $i; sleep 1; done';
    await run('counter', 'node-2', { containers: [{ name: 'main', image, command: ['sh', '-c', script] }] });
    await eventually('it has begun', () => throughEdge('logs counter'), { withinMs: 120_000 });
    expect(await throughEdge('logs -f counter')).toBe('1\n2\n3\n');
  });

  test('forward ports', async () => {
    const script = 'mkdir -p /tmp/w; echo forwarded >/tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w';
    await run('web', 'node-2', { containers: [{ name: 'main', image, command: ['sh', '-c', script] }] });
    await running('web');
    const forward = spawn(
      kubectlPath(),
      ['--kubeconfig', join(stack.dir, 'edge.kubeconfig'), 'port-forward', 'pod/web', ':8080'],
      { env: { ...process.env, ...stack.environment, HOME: stack.dir } },
    );
    try {
      let printed = '';
      forward.stdout.on('data', (text: Buffer) => (printed += text.toString()));
      const port = await eventually('it listens', () => /127\.0\.0\.1:(\d+)/.exec(printed)?.[1], {
        withinMs: 120_000,
      });
      const page = await eventually('it answers', async () =>
        (await fetch(`http://127.0.0.1:${port}/`)).text(),
      );
      expect(page).toBe('forwarded\n');
    } finally {
      forward.kill('SIGINT');
    }
  });

  test('are for those who may have them', async () => {
    await stack.kubectl('create serviceaccount nobody');
    const token = (await stack.kubectl('create token nobody')).trim();
    const call = (path: string, headers: Record<string, string>) => fetch(`${front.url}${path}`, { headers });
    const path = '/api/v1/namespaces/default/pods/first/log';
    const denied = await call(path, { authorization: `Bearer ${token}` });
    expect(denied.status).toBe(403);
    expect(await denied.json()).toMatchObject({
      kind: 'Status',
      reason: 'Forbidden',
      message: expect.stringContaining(
        'cannot get resource "pods/log" in API group "" in the namespace "default"',
      ),
    });
    expect((await call(path, {})).status).toBe(401);
    expect((await call(path, { authorization: 'Bearer nonsense' })).status).toBe(401);
    expect(
      (await call('/api/v1/namespaces/default/pods/missing/log', { authorization: `Bearer ${token}` }))
        .status,
    ).toBe(403);
  });
});

describe('a node that goes', () => {
  test('takes its queue with it', async () => {
    await machines.stop();
    await stack.kubectl('delete node node-2');
    await eventually(
      'the queue is gone',
      async () => {
        const QueueNamePrefix = nodeQueueName(stack.name, 'node-2');
        const { QueueUrls: found = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix }));
        return found.length === 0;
      },
      { withinMs: 240_000 },
    );
  });
});

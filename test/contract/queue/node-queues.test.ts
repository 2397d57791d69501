/** Queues of nodes at SQS and SNS, made and removed by the controller as the controllers function runs it. */
import {
  CreateQueueCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  type SQSClient,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { ListSubscriptionsByTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { controllerClients } from '../../../functions/controllers/accounts.ts';
import { nodeQueueController } from '../../../functions/controllers/cloud/node-queue/index.ts';
import type { NodeQueues } from '../../../functions/controllers/cloud/node-queue/port.ts';
import { removeNodeQueues, sqsNodeQueues } from '../../../functions/controllers/cloud/node-queue/sqs.ts';
import { everythingAgain } from '../../../functions/controllers/everything.ts';
import { createWorker } from '../../../functions/controllers/worker.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { nodes } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { changesAnnotation } from '../../../lib/node-queue/annotations.ts';
import { nodeQueueName } from '../../../lib/node-queue/names.ts';
import { createEmbeddedQueue, type EmbeddedQueue } from '../../../lib/queue/embedded/index.ts';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { createTopic } from '../../support/queue/topic.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';
import { eventually } from '../../support/wait.ts';

const within = { withinMs: 180_000 };
const never = new AbortController().signal;

let emulator: MiniStack;
let sqs: SQSClient;
let sns: SNSClient;
let clusters = 0;
/** Of each test its own. */
let cluster: string;
let topicArn: string;
let queues: NodeQueues;

const open = (name: string, topic: string) =>
  sqsNodeQueues({
    sqs,
    sns,
    cluster: name,
    topicArn: topic,
    nodeRole: { arn: 'arn:aws:iam::000000000000:role/node', id: 'AROATEST' },
  });

beforeAll(async () => {
  emulator = await startMiniStack({ services: ['sqs', 'sns'] });
  const access = {
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  sqs = createSqsClient(access);
  sns = new SNSClient(access);
}, 300_000);
afterAll(async () => {
  sqs?.destroy();
  sns?.destroy();
  await emulator?.stop();
});
beforeEach(async () => {
  cluster = `c${++clusters}`;
  topicArn = await createTopic(sns, cluster);
  queues = open(cluster, topicArn);
});

const queueNames = async (prefix: string) => {
  const { QueueUrls: urls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  return urls.map((url) => url.slice(url.lastIndexOf('/') + 1)).sort();
};
const subscribed = async (topic = topicArn) => {
  const { Subscriptions: found = [] } = await sns.send(
    new ListSubscriptionsByTopicCommand({ TopicArn: topic }),
  );
  return found.map(({ Endpoint: arn = '' }) => arn.slice(arn.lastIndexOf(':') + 1)).sort();
};
const others = async (known: string[], signal = never) => {
  const found: string[] = [];
  for await (const name of queues.others(known, signal)) found.push(name);
  return found.sort();
};

test('a queue says whose it is, is subscribed once, and is the same however often it is asked for', async () => {
  const url = await queues.ensure('i-1.example');
  expect(await queues.ensure('i-1.example')).toBe(url);
  const { Tags: tags } = await sqs.send(new ListQueueTagsCommand({ QueueUrl: url }));
  expect(tags).toEqual({
    'kumulus.dev/cluster': cluster,
    'kumulus.dev/node': 'i-1.example',
    'kumulus.dev/subscription': expect.stringContaining(`${topicArn}:`) as string,
  });
  expect(await subscribed()).toEqual([nodeQueueName(cluster, 'i-1.example')]);
  await queues.remove('i-1.example');
  await queues.remove('i-1.example');
  expect(await subscribed()).toEqual([]);
  expect(await queueNames(cluster)).toEqual([]);
});

test('what somebody who was killed left half made is made whole, or goes without a trace', async () => {
  const QueueName = nodeQueueName(cluster, 'half');
  const Endpoint = `arn:aws:sqs:us-east-1:000000000000:${QueueName}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint }));
  await queues.ensure('half');
  const { Tags: tags } = await sqs.send(new ListQueueTagsCommand({ QueueUrl }));
  expect(tags).toMatchObject({ 'kumulus.dev/node': 'half' });
  expect(await subscribed()).toEqual([QueueName]);
  await sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['kumulus.dev/subscription'] }));
  await queues.remove('half');
  expect(await subscribed()).toEqual([]);
  expect(await queueNames(cluster)).toEqual([]);
});

test('a cluster finds its own queues by the names of their nodes, over as many pages as there are', async () => {
  const long = `${'n'.repeat(60)}.${'m'.repeat(60)}.example`;
  // One whose name begins as ours do.
  const neighbour = open(`${cluster}-node`, await createTopic(sns, `${cluster}-neighbour`));
  await neighbour.ensure('its');
  for (const name of ['kept', 'left', long]) await queues.ensure(name);
  for (let number = 0; number < 250; number++) {
    const Endpoint = `arn:aws:sqs:us-east-1:000000000000:${nodeQueueName(cluster, `gone-${number}`)}`;
    await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint }));
  }
  await queues.ensure('last');
  expect(await others(['kept', 'unborn'])).toEqual(['last', 'left', long]);
  expect(await others(['kept', 'left', long, 'last'])).toEqual([]);
  await expect(others([], AbortSignal.abort(new Error('time is over')))).rejects.toThrow();
});

test('a cluster that goes takes them all, and nobody else’s', async () => {
  const neighbour = open(`${cluster}-node`, await createTopic(sns, `${cluster}-neighbour`));
  const siblingUrl = await neighbour.ensure('its');
  for (const name of ['one', 'two']) await queues.ensure(name);
  await removeNodeQueues({ sqs, sns, topicArn, siblingUrl });
  expect(await queueNames(`${cluster}-node-`)).toEqual([nodeQueueName(`${cluster}-node`, 'its')]);
});

/** The controllers function, which is handed nothing but what a test puts into its queue: every event is lost. */
describe('a resync of which nothing was told before', () => {
  let server: TestServer;
  let client: KubeClient;
  let work: EmbeddedQueue;
  let stop: AbortController;
  let worked: Promise<void>;

  beforeEach(async () => {
    server = await startServer();
    client = createInProcessClient(server.handle, { username: 'admin', groups: ['system:masters'] });
    stop = new AbortController();
    work = createEmbeddedQueue({ clock: systemClock });
    const worker = await createWorker({
      entries: [nodeQueueController(queues)],
      ...controllerClients(server.handle),
      store: server.store,
      queue: work,
      clock: systemClock,
      log: silentLogger,
      random: Math.random,
      signal: stop.signal,
    });
    worked = work.run((item, signal) => worker.handle(item, signal), stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await worked;
    await server.close();
  });
  const resync = async () => {
    for (const { item } of everythingAgain([nodeQueueController(queues)])) await work.add(item);
  };

  test('removes the queue of a Node whose deletion was lost, though no Node is left, and makes one that is missing', async () => {
    const annotations = { [changesAnnotation]: 'queue' };
    await client.create(nodes, { metadata: { name: 'gone', annotations }, spec: {} });
    await resync();
    await eventually('its queue', async () => (await subscribed()).length === 1, within);
    await client.delete(nodes, { name: 'gone' });
    await work.idle();
    expect(await queueNames(cluster)).toEqual([nodeQueueName(cluster, 'gone')]);
    await resync();
    await eventually('it is removed', async () => (await queueNames(cluster)).length === 0, within);
    expect(await subscribed()).toEqual([]);

    for (const name of ['one', 'two'])
      await client.create(nodes, { metadata: { name, annotations }, spec: {} });
    await client.create(nodes, { metadata: { name: 'watches' }, spec: {} });
    await queues.ensure('watches');
    await resync();
    const wanted = ['one', 'two'].map((name) => nodeQueueName(cluster, name));
    await eventually(
      'a queue for each that asks for one',
      async () => (await queueNames(cluster)).join() === wanted.join(),
      within,
    );
    expect(await subscribed()).toEqual(wanted);
    expect(work.deadLetters()).toEqual([]);
  });
});

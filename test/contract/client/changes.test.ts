/** One suite for what informers hear of changes by: watches, and a node's queue, which may lose, repeat and reorder. */
import { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll } from 'vitest';
import { sqsNodeQueues } from '../../../functions/controllers/cloud/node-queue/sqs.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { createNoticeHub } from '../../../lib/client/notices.ts';
import { configMaps } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { followQueue, type QueueReaderCalls, type ReceivedMessage } from '../../../lib/node-queue/reader.ts';
import { createNodeQueueSender, everyNode } from '../../../lib/node-queue/sender.ts';
import { queueReaderCalls } from '../../../lib/node-queue/sqs.ts';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import { createTopic } from '../../support/queue/topic.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';
import { describeChanges } from './changes-contract.ts';

let emulator: MiniStack;
let sqs: SQSClient;
let sns: SNSClient;
let nodes = 0;

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
  sqs.destroy();
  sns.destroy();
  await emulator.stop();
});

/** What dispatch does with each change: every other goes to the node, and the rest to all. */
async function dispatchTo(
  node: string,
  topicArn: string,
  url: string,
  client: KubeClient,
  signal: AbortSignal,
) {
  const send = createNodeQueueSender({
    sqs,
    sns,
    cluster: 'test',
    siblingUrl: url,
    topicArn,
    clock: systemClock,
  });
  const { metadata } = await client.list(configMaps, { limit: 1 });
  const pump = async () => {
    const { resourceVersion } = metadata;
    for await (const event of client.watch(configMaps, { signal, resourceVersion })) {
      if (event.type === 'BOOKMARK') continue;
      const { namespace, name, resourceVersion: at } = event.object.metadata;
      const revision = Number(at);
      const notice = {
        resource: 'configmaps',
        key: `${namespace}/${name}`,
        revision,
        deleted: event.type === 'DELETED',
      };
      await send(new Map([[revision % 2 ? everyNode : node, [notice]]]));
    }
  };
  pump().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

async function openQueue(
  client: KubeClient,
  signal: AbortSignal,
  {
    relistMs,
    through = (calls) => calls,
  }: { relistMs: number; through?: (calls: QueueReaderCalls) => QueueReaderCalls },
) {
  const node = `node-${++nodes}.example`;
  const topicArn = await createTopic(sns, `changes-${nodes}`);
  const role = { arn: 'arn:aws:iam::000000000000:role/node', id: 'AROATEST' };
  const queues = sqsNodeQueues({ sqs, sns, cluster: 'test', topicArn, nodeRole: role });
  const url = await queues.ensure(node);
  await dispatchTo(node, topicArn, url, client, signal);
  const hub = createNoticeHub();
  const options = {
    find: () => Promise.resolve(url),
    listener: hub,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  };
  const following = followQueue({ calls: through(queueReaderCalls(sqs)), ...options }, signal);
  following.catch(() => undefined);
  return { source: hub, relistMs };
}

describeChanges({ name: 'watches', open: () => Promise.resolve(undefined) });

describeChanges({
  name: 'a queue',
  // So rarely that nothing but notices can be what tells.
  open: (client, signal) => openQueue(client, signal, { relistMs: 3_600_000 }),
});

describeChanges({
  name: 'a queue that repeats and reorders, and loses a third',
  open: (client, signal) => openQueue(client, signal, { relistMs: 1_000, through: unreliable }),
});

/** Keeps each message back until the next comes, hands the older one out after it and again, and drops every third. */
function unreliable(calls: QueueReaderCalls): QueueReaderCalls {
  let held: ReceivedMessage[] = [];
  let count = 0;
  return {
    ...calls,
    async receive(url, signal) {
      const fresh = (await calls.receive(url, signal)).filter(() => ++count % 3 !== 0);
      const out = [...fresh].reverse().concat(held, fresh);
      held = fresh;
      return out;
    },
    // What was dropped stays in the queue, and what was handed out twice is deleted once.
    remove: (url, messages) => {
      const once = new Map(messages.map((message) => [message.receipt, message]));
      return calls.remove(url, [...once.values()].slice(0, 10));
    },
  };
}

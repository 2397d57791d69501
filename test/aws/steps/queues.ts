/** The stack's queues, as somebody with rights to them sees them. */
import {
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { cluster, soon } from './cluster.ts';

let client: SQSClient | undefined;

function sqs(): SQSClient {
  client ??= new SQSClient({ ...cluster().client, useQueueUrlAsEndpoint: false });
  return client;
}

export async function send(url: string, body: string): Promise<void> {
  const fifo = url.endsWith('.fifo') && {
    MessageGroupId: 'test',
    MessageDeduplicationId: `${body}-${Date.now()}`.slice(-128).replaceAll(/[^\w.-]/g, '_'),
  };
  await sqs().send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...fifo }));
}

/** Of what waits: how much nobody has, and how much is being worked on. */
export async function countsOf(url: string): Promise<{ visible: number; inFlight: number }> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { Attributes: found } = await sqs().send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] }),
  );
  const [visible, inFlight] = names.map((name) => Number(found?.[name] ?? 0));
  return { visible: visible ?? 0, inFlight: inFlight ?? 0 };
}

export async function setVisibilityTimeout(url: string, seconds: number): Promise<void> {
  await sqs().send(
    new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { VisibilityTimeout: String(seconds) } }),
  );
}

export async function purge(url: string): Promise<void> {
  await sqs().send(new PurgeQueueCommand({ QueueUrl: url }));
}

/** Resolves once nothing waits in the work queues and nothing is being worked on. */
export async function quiet(): Promise<void> {
  const { workQueueUrl, schedulerQueueUrl } = cluster().outputs;
  await soon('empty work queues', async () => {
    for (const url of [workQueueUrl, schedulerQueueUrl]) {
      const { visible, inFlight } = await countsOf(url);
      if (visible + inFlight > 0) return false;
    }
    return true;
  });
}

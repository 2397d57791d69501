import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SqsBatchResponse, SqsRecord } from '../../../lib/queue/sqs/index.ts';

/** The queues of one work queue, as the stack makes them. */
export interface Queues {
  work: string;
  delays: string;
  dead: string;
}

export async function createQueues(client: SQSClient, name: string): Promise<Queues> {
  const create = async (suffix: string, attributes: Record<string, string>) => {
    const { QueueUrl: url = '' } = await client.send(
      new CreateQueueCommand({ QueueName: `${name}-${suffix}`, Attributes: attributes }),
    );
    return url;
  };
  const fifo = { FifoQueue: 'true', VisibilityTimeout: '60' };
  return {
    work: await create('work.fifo', fifo),
    dead: await create('dead.fifo', fifo),
    delays: await create('delays', { VisibilityTimeout: '60' }),
  };
}

export interface Mapping {
  /** Ends polling; resolves once every batch under way has been answered. */
  stop(): Promise<void>;
}

/**
 * What an event source mapping of Lambda does: receives batches, calls the function, deletes what it does not name as
 * failed, and lets the rest come back when its visibility timeout has ended. `pollers` batches at once.
 */
export function mapEvents(
  client: SQSClient,
  queueUrl: string,
  handler: (records: SqsRecord[]) => Promise<SqsBatchResponse>,
  { pollers = 3, everyMs = 30 } = {},
): Mapping {
  const stopping = new AbortController();
  const poll = async () => {
    while (!stopping.signal.aborted) {
      const { Messages: messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ['All'],
        }),
      );
      if (stopping.signal.aborted) {
        for (const { ReceiptHandle } of messages) {
          await client.send(
            new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
          );
        }
      } else if (messages.length > 0) {
        const { batchItemFailures } = await handler(messages.map(recordOf));
        const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        for (const { MessageId = '', ReceiptHandle } of messages) {
          if (failed.has(MessageId)) continue;
          await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
        }
      } else {
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    }
  };
  const done = Promise.all(Array.from({ length: pollers }, poll));
  done.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

export async function peek(client: SQSClient, queueUrl: string): Promise<Message[]> {
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return messages;
}

function recordOf(message: Message): SqsRecord {
  return {
    messageId: message.MessageId ?? '',
    body: message.Body ?? '',
    attributes: { MessageGroupId: message.Attributes?.MessageGroupId },
  };
}

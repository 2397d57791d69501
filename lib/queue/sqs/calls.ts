import { randomUUID } from 'node:crypto';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';

/** The one call of SQS that the queue makes; receiving and deleting is the event source mapping's. */
export interface SqsCalls {
  /** Resolves once every message is stored; of a batch that is stored in part, rejects, and all may be sent again. */
  send(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<void>;
}

export interface OutgoingMessage {
  body: string;
  /** FIFO queues only, and there required. */
  groupId?: string;
  deduplicationId?: string;
  /** Whole seconds, at most 900; standard queues only. */
  delaySeconds?: number;
}

export interface SqsClientOptions {
  /** Absent: AWS, with the region and credentials of the environment. */
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/** SQS takes ten messages at once ("SendMessageBatch", API reference). */
const batchMessages = 10;
/** Batches under way at once. */
const parallelBatches = 8;

export function createSqsClient({ endpoint, region, credentials }: SqsClientOptions): SQSClient {
  // Emulators name their queues by other hosts than they are reached at.
  return new SQSClient({ endpoint, region, credentials, maxAttempts: 5, useQueueUrlAsEndpoint: false });
}

export function sqsCallsOf(client: SQSClient): SqsCalls {
  async function sendBatch(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<void> {
    const { Failed: failed = [] } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: messages.map((message, index) => ({
          Id: String(index),
          MessageBody: message.body,
          MessageGroupId: message.groupId,
          ...(message.groupId && { MessageDeduplicationId: message.deduplicationId ?? randomUUID() }),
          DelaySeconds: message.delaySeconds,
        })),
      }),
    );
    if (failed.length > 0) {
      const [first] = failed;
      throw new Error(
        `SQS refused ${failed.length} of ${messages.length}: ${first?.Code}: ${first?.Message}`,
      );
    }
  }

  return {
    async send(queueUrl, messages) {
      const batches = chunks(messages, batchMessages);
      // Messages of one group keep their order within a batch; between groups there is none to keep.
      for (const some of chunks(batches, parallelBatches)) {
        await Promise.all(some.map((batch) => sendBatch(queueUrl, batch)));
      }
    },
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}

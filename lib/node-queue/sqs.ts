import {
  DeleteMessageBatchCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { QueueGone, type QueueReaderCalls } from './reader.ts';

/** The longest that SQS waits: a node in which nothing happens asks three times a minute. */
const waitSeconds = 20;

export function queueReaderCalls(client: SQSClient): QueueReaderCalls {
  return {
    async receive(queueUrl, signal) {
      try {
        const { Messages: messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: waitSeconds,
          }),
          { abortSignal: AbortSignal.any([signal, AbortSignal.timeout((waitSeconds + 10) * 1000)]) },
        );
        return messages.map(({ Body: body = '', ReceiptHandle: receipt = '' }) => ({ body, receipt }));
      } catch (error) {
        if (error instanceof QueueDoesNotExist) throw new QueueGone();
        throw error;
      }
    },
    async remove(queueUrl, messages) {
      await client.send(
        new DeleteMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt })),
        }),
      );
    },
  };
}

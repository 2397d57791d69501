/** Gives back to the cluster what it gave up: `kumulus doctor --stack NAME --redrive`. */
import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { schedulerName } from '../../functions/lambda/queue.ts';
import { isKind } from '../../lib/errors.ts';
import { formatMessage, parseMessage, sqsCallsOf } from '../../lib/queue/sqs/index.ts';
import type { StackOutputs } from './stack.ts';

export interface Redriven {
  /** Back in the queue of whoever works on them, with as many tries as at first. */
  moved: number;
  /** What nobody can work on, taken away: its text. */
  dropped: string[];
}

/** What is received is kept from others for that long, and comes back when this process dies. */
const visibilityTimeoutSeconds = 60;

/**
 * Moves every dead letter. Each is sent before it is deleted, so that none is lost; one that comes twice does no harm.
 * (StartMessageMoveTask only moves what SQS itself put there, and most dead letters are written by the controllers.)
 */
export async function redrive(client: SQSClient, outputs: StackOutputs): Promise<Redriven> {
  const { deadLetterQueueUrl: from, workQueueUrl, schedulerQueueUrl } = outputs;
  const calls = sqsCallsOf(client);
  const result: Redriven = { moved: 0, dropped: [] };
  for (;;) {
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: from,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: visibilityTimeoutSeconds,
        MessageSystemAttributeNames: ['MessageGroupId'],
      }),
    );
    if (messages.length === 0) return result;
    for (const { Body: body = '', ReceiptHandle, Attributes: attributes } of messages) {
      const item = itemOf(body);
      if (item) {
        const to = item.controller === schedulerName ? schedulerQueueUrl : workQueueUrl;
        // Its own group again, which says what may not be worked on at the same time.
        const groupId = attributes?.MessageGroupId ?? item.controller;
        await calls.send(to, [{ body: formatMessage({ item, failures: 0 }), groupId }]);
        result.moved++;
      } else {
        result.dropped.push(body);
      }
      await client.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }));
    }
  }
}

function itemOf(body: string) {
  try {
    return parseMessage(body).item;
  } catch (error) {
    if (isKind(error, 'Invalid')) return undefined;
    throw error;
  }
}

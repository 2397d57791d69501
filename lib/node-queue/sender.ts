import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { QueueDoesNotExist, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ChangeNotice } from '../client/notices.ts';
import type { Clock } from '../clock.ts';
import { formatNotices } from './message.ts';
import { absentMs, nodeQueueName, siblingQueueUrl } from './names.ts';

/** Stands for every node that has a queue. */
export const everyNode = '*';

export interface NodeQueueSenderOptions {
  sqs: SQSClient;
  sns: SNSClient;
  /** The stack's name. */
  cluster: string;
  /** Any queue of the same account and region. */
  siblingUrl: string;
  /** Every node's queue is subscribed to it. */
  topicArn: string;
  clock: Clock;
}

export type NodeQueueSender = (notices: ReadonlyMap<string, readonly ChangeNotice[]>) => Promise<void>;

const mostAbsent = 10_000;
const batchMessages = 10;
/** Nodes that are sent to at once. */
const nodesAtOnce = 16;

/**
 * Sends notices to the queues of nodes, by name, and to all of them through the topic. What is for one node goes straight
 * to its queue: filters of subscriptions take up to fifteen minutes to take effect, and a topic holds two hundred.
 */
export function createNodeQueueSender(options: NodeQueueSenderOptions): NodeQueueSender {
  const { sqs, sns, cluster, siblingUrl, topicArn, clock } = options;
  const absentUntilMs = new Map<string, number>();

  async function toNode(node: string, notices: readonly ChangeNotice[]): Promise<void> {
    const askedAtMs = clock.now();
    if ((absentUntilMs.get(node) ?? 0) > askedAtMs) return;
    const QueueUrl = siblingQueueUrl(siblingUrl, nodeQueueName(cluster, node));
    const bodies = formatNotices(notices);
    try {
      for (let at = 0; at < bodies.length; at += batchMessages) {
        const Entries = bodies
          .slice(at, at + batchMessages)
          .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
        const { Failed: failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
        if (failed[0])
          throw new Error(`SQS refused notices for ${node}: ${failed[0].Code}: ${failed[0].Message}`);
      }
    } catch (error) {
      if (!(error instanceof QueueDoesNotExist)) throw error;
      if (absentUntilMs.size >= mostAbsent) absentUntilMs.clear();
      // From before it was asked on: a slow answer says nothing of later, and its node counts from when the queue was made.
      absentUntilMs.set(node, askedAtMs + absentMs);
    }
  }

  async function toEveryNode(notices: readonly ChangeNotice[]): Promise<void> {
    for (const Message of formatNotices(notices)) {
      await sns.send(new PublishCommand({ TopicArn: topicArn, Message }));
    }
  }

  return async (notices) => {
    const waiting = [...notices];
    const lane = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [node, its] = next;
        await (node === everyNode ? toEveryNode(its) : toNode(node, its));
      }
    };
    await Promise.all(Array.from({ length: Math.min(nodesAtOnce, waiting.length) }, lane));
  };
}

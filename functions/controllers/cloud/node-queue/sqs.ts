import {
  ListSubscriptionsByTopicCommand,
  SubscribeCommand,
  type SNSClient,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  ListQueueTagsCommand,
  QueueDoesNotExist,
  type SQSClient,
  TagQueueCommand,
} from '@aws-sdk/client-sqs';
import { nodeQueueName, siblingQueueUrl } from '../../../../lib/node-queue/names.ts';
import type { NodeQueues } from './port.ts';

export interface SqsNodeQueuesOptions {
  sqs: SQSClient;
  sns: SNSClient;
  /** The stack's name. */
  cluster: string;
  topicArn: string;
  /** The role that machines which are nodes have, and its unique id (`AROA…`). */
  nodeRole: { arn: string; id: string };
}

/** A node that heard nothing for longer than that lists anyhow. */
const retentionSeconds = 3600;
const visibilitySeconds = 30;
/** Whose queue it is: the stack's, and the node's by a name that the queue's own may not spell out. */
const clusterTag = 'kumulus.dev/cluster';
const nodeTag = 'kumulus.dev/node';
/** Where the queue's subscription is remembered, for the day it goes. */
const subscriptionTag = 'kumulus.dev/subscription';

export function sqsNodeQueues(options: SqsNodeQueuesOptions): NodeQueues {
  const { sqs, sns, cluster, topicArn } = options;

  async function find(name: string): Promise<string | undefined> {
    try {
      return (await sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl;
    } catch (error) {
      if (error instanceof QueueDoesNotExist) return undefined;
      throw error;
    }
  }

  async function tagsOf(QueueUrl: string): Promise<Record<string, string>> {
    return (await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags ?? {};
  }

  async function create(name: string, nodeName: string): Promise<string> {
    const { QueueUrl: url = '' } = await sqs.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: {
          MessageRetentionPeriod: String(retentionSeconds),
          VisibilityTimeout: String(visibilitySeconds),
          ReceiveMessageWaitTimeSeconds: '20',
          SqsManagedSseEnabled: 'true',
          Policy: JSON.stringify(queuePolicy(arnOf(name, topicArn), nodeName, options)),
        },
        tags: { [clusterTag]: cluster, [nodeTag]: nodeName },
      }),
    );
    return url;
  }

  /** The ARN of the queue's subscription: the same one, where there is one already. */
  async function subscribe(name: string): Promise<string> {
    const { SubscriptionArn: arn = '' } = await sns.send(
      new SubscribeCommand({
        TopicArn: topicArn,
        Protocol: 'sqs',
        Endpoint: arnOf(name, topicArn),
        Attributes: { RawMessageDelivery: 'true' },
        ReturnSubscriptionArn: true,
      }),
    );
    return arn;
  }

  return {
    async ensure(nodeName) {
      const name = nodeQueueName(cluster, nodeName);
      const url = (await find(name)) ?? (await create(name, nodeName));
      const tags = await tagsOf(url);
      if (tags[subscriptionTag] && tags[nodeTag]) return url;
      const Tags = {
        [clusterTag]: cluster,
        [nodeTag]: nodeName,
        [subscriptionTag]: tags[subscriptionTag] ?? (await subscribe(name)),
      };
      await sqs.send(new TagQueueCommand({ QueueUrl: url, Tags }));
      return url;
    },
    async remove(nodeName) {
      const name = nodeQueueName(cluster, nodeName);
      const url = await find(name);
      if (!url) return;
      // One that was not written down yet, when whoever made it was killed, is asked for by making it again.
      const SubscriptionArn = (await tagsOf(url))[subscriptionTag] ?? (await subscribe(name));
      await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
    },
    async *others(nodeNames, signal) {
      const known = new Set(nodeNames.map((nodeName) => nodeQueueName(cluster, nodeName)));
      for await (const name of subscribedQueues(sns, topicArn, signal)) {
        if (known.has(name)) continue;
        const url = await find(name);
        // Removed meanwhile, or of a release that did not write it down: then its Node's next reconcile does.
        const nodeName = url && (await tagsOf(url))[nodeTag];
        if (nodeName) yield nodeName;
      }
    },
  };
}

/** Removes the queues of all nodes of a cluster that goes; its topic takes the subscriptions with it. */
export async function removeNodeQueues({
  sqs,
  sns,
  topicArn,
  siblingUrl,
}: Pick<SqsNodeQueuesOptions, 'sqs' | 'sns' | 'topicArn'> & { siblingUrl: string }): Promise<void> {
  for await (const name of subscribedQueues(sns, topicArn)) {
    const QueueUrl = siblingQueueUrl(siblingUrl, name);
    await sqs.send(new DeleteQueueCommand({ QueueUrl })).catch((error: unknown) => {
      if (!(error instanceof QueueDoesNotExist)) throw error;
    });
  }
}

/**
 * The names of the queues that the topic feeds, a hundred to a request. The topic is the one list of them that is this
 * cluster's alone: whoever may list queues sees all of the account's.
 */
async function* subscribedQueues(
  sns: SNSClient,
  topicArn: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  let NextToken: string | undefined;
  do {
    const page = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topicArn, NextToken }), {
      abortSignal: signal,
    });
    for (const { Endpoint: arn = '', Protocol: protocol } of page.Subscriptions ?? []) {
      signal?.throwIfAborted();
      if (protocol === 'sqs') yield arn.slice(arn.lastIndexOf(':') + 1);
    }
    NextToken = page.NextToken;
  } while (NextToken);
}

/** Queue and topic are of one partition, region and account. */
function arnOf(queueName: string, topicArn: string): string {
  const [arn, partition, , region, account] = topicArn.split(':');
  return [arn, partition, 'sqs', region, account, queueName].join(':');
}

/** The node's own session reads, and nobody else; the topic sends; dispatch sends by a right of its own. */
function queuePolicy(
  queueArn: string,
  nodeName: string,
  { topicArn, nodeRole }: SqsNodeQueuesOptions,
): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: nodeRole.arn },
        Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'],
        Resource: queueArn,
        // EC2 calls the session of an instance by the instance's id, which is the node's name.
        Condition: { StringEquals: { 'aws:userid': `${nodeRole.id}:${nodeName}` } },
      },
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
      },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: queueArn,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  };
}

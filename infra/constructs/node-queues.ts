import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { nodeQueuePrefix } from '../../lib/node-queue/names.ts';
import type { KumulusFunction } from './function.ts';

/**
 * How nodes hear of changes: each has a queue, which the controllers make and remove with its Node, and the topic reaches
 * them all. What a node may do with its queue stands in the queue's own policy.
 */
export class NodeQueues extends Construct {
  readonly topic: sns.Topic;
  readonly #prefix: string;
  readonly #queues: string;

  constructor(scope: Construct, id: string, { cluster }: { cluster: string }) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'Topic', { enforceSSL: true });
    this.topic.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.#prefix = nodeQueuePrefix(cluster);
    this.#queues = Stack.of(this).formatArn({ service: 'sqs', resource: `${this.#prefix}*` });
    Validations.of(this.topic).acknowledge({
      id: 'AwsSolutions-SNS2',
      reason: 'notices hold names and revisions of objects, and nothing of what is in them',
    });
  }

  /** For dispatch: to one node's queue, and to all. */
  grantSend(sender: KumulusFunction): void {
    this.#allowQueues(sender, ['sqs:SendMessage']);
    this.#allow(sender, ['sns:Publish'], this.topic.topicArn);
  }

  /** For the controller that makes and removes queues. */
  grantManage(manager: KumulusFunction): void {
    this.#allowQueues(manager, [
      'sqs:CreateQueue',
      'sqs:DeleteQueue',
      'sqs:GetQueueUrl',
      'sqs:ListQueueTags',
      'sqs:TagQueue',
    ]);
    this.#allow(manager, ['sns:ListSubscriptionsByTopic', 'sns:Subscribe'], this.topic.topicArn);
    this.#allow(manager, ['sns:Unsubscribe'], '*');
    Validations.of(manager).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'sns:Unsubscribe knows no resources (Service Authorization Reference, Amazon SNS)',
    });
  }

  /** For whoever removes what the cluster leaves behind. */
  grantRemove(remover: KumulusFunction): void {
    this.#allow(remover, ['sns:ListSubscriptionsByTopic'], this.topic.topicArn);
    this.#allowQueues(remover, ['sqs:DeleteQueue']);
  }

  /** Queues of nodes come and go with them: only what their names begin with is known here. */
  #allowQueues(to: KumulusFunction, actions: string[]): void {
    this.#allow(to, actions, this.#queues);
    Validations.of(to).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${this.#prefix}*]`,
      reason: 'queues of nodes, which come and go: the names of all of this cluster begin like that',
    });
  }

  #allow({ function: { grantPrincipal } }: KumulusFunction, actions: string[], resource: string): void {
    grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions, resources: [resource] }));
  }
}

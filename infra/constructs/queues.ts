import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Deliveries after which a message that is never answered is given up: its function was killed each time. */
const mostDeliveries = 5;

/** Between a change and a reconcile: `docs/aws.md` says what flows where. */
export class Queues extends Construct {
  readonly work: sqs.Queue;
  readonly scheduler: sqs.Queue;
  readonly delays: sqs.Queue;
  /** What cannot be worked on, by key. */
  readonly deadLetters: sqs.Queue;
  /** Delays, stream records and events that no function could take. */
  readonly undelivered: sqs.Queue;

  constructor(scope: Construct, id: string, { functionTimeout }: { functionTimeout: Duration }) {
    super(scope, id);
    const common = {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
    };
    const kept = { ...common, retentionPeriod: Duration.days(14) };
    this.deadLetters = new sqs.Queue(this, 'DeadLetters', { ...kept, fifo: true });
    this.undelivered = new sqs.Queue(this, 'Undelivered', kept);
    const fifo = {
      ...common,
      fifo: true,
      fifoThroughputLimit: sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      deduplicationScope: sqs.DeduplicationScope.MESSAGE_GROUP,
      // A function that was killed holds its keys for that long.
      visibilityTimeout: Duration.seconds(2 * functionTimeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: mostDeliveries },
    };
    this.work = new sqs.Queue(this, 'Work', fifo);
    this.scheduler = new sqs.Queue(this, 'Scheduler', fifo);
    this.delays = new sqs.Queue(this, 'Delays', {
      ...common,
      visibilityTimeout: Duration.seconds(60),
      deadLetterQueue: { queue: this.undelivered, maxReceiveCount: mostDeliveries },
    });
  }

  grantSend(grantee: iam.IGrantable): void {
    this.#grantSend(grantee, [this.work, this.scheduler, this.delays, this.deadLetters]);
  }

  /** For whoever gives up what it cannot read, and sends nothing else. */
  grantBury(grantee: iam.IGrantable): void {
    this.#grantSend(grantee, [this.deadLetters]);
  }

  #grantSend({ grantPrincipal }: iam.IGrantable, to: sqs.Queue[]): void {
    const resources = to.map(({ queueArn }) => queueArn);
    grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources }));
  }
}

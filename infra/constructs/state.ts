import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Parameters } from '../parameters.ts';

/** What the store does to the table, and no more; a transaction is as good as its parts. */
const storeActions = [
  'dynamodb:GetItem',
  'dynamodb:BatchGetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
  'dynamodb:Query',
];

/** The cluster's state: one table, paid by the request, with backups to any second and a stream of what is new. */
export class State extends Construct {
  readonly table: dynamodb.Table;
  /** Wraps what seals Secrets in the table, which are lost without it. Absent: the cluster's own key seals them. */
  readonly secretsKey: kms.Key | undefined;

  constructor(scope: Construct, id: string, { parameters }: { parameters: Parameters }) {
    super(scope, id);
    const { retainState: retain } = parameters;
    const removalPolicy = retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    if (parameters.secretsKey === 'kms') {
      this.secretsKey = new kms.Key(this, 'SecretsKey', {
        description: 'Kumulus: seals Secrets in the table of the cluster',
        enableKeyRotation: true,
        removalPolicy,
      });
    }
    this.table = new dynamodb.Table(this, 'Table', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'ttl',
      stream: dynamodb.StreamViewType.NEW_IMAGE,
      deletionProtection: retain,
      removalPolicy,
    });
  }

  /** The table, and the key for what the store seals and for nothing else; the function is told which. */
  grantStore(grantee: lambda.Function): void {
    grantee.addToRolePolicy(new PolicyStatement({ actions: storeActions, resources: [this.table.tableArn] }));
    if (!this.secretsKey) return;
    grantee.addEnvironment('KUMULUS_ENCRYPTION_KEY_ARN', this.secretsKey.keyArn);
    grantee.addToRolePolicy(
      new PolicyStatement({
        actions: ['kms:Encrypt', 'kms:Decrypt'],
        resources: [this.secretsKey.keyArn],
        conditions: { StringEquals: { 'kms:EncryptionContext:kumulus.io/use': 'store-encryption' } },
      }),
    );
  }
}

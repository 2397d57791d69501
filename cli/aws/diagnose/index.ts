/** What `kumulus doctor --stack` finds out about a cluster on AWS. */
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { messageOf } from '../../../lib/errors.ts';
import type { Finding } from '../../../localstack/embedded/diagnose.ts';
import { describeStack, type StackOutputs } from '../stack.ts';
import { endpoint } from './endpoint.ts';
import { alarms, iteratorAge, workAges } from './monitoring.ts';
import { deadLetters, undelivered, waiting } from './queues.ts';

export interface StackToDiagnose {
  stack: string;
  region?: string;
  role?: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Whether dead letters go back to the queues that they were given up in. */
  redrive?: boolean;
}

export async function diagnoseStack(options: StackToDiagnose): Promise<Finding[]> {
  const { stack, region, now } = options;
  let outputs: StackOutputs;
  try {
    outputs = await describeStack(stack, region);
  } catch (error) {
    const remedy =
      'Is it deployed (npx cdk deploy), in this region, and are the credentials of its account (AWS_PROFILE)?';
    return [{ state: 'bad', about: 'stack', found: messageOf(error), remedy }];
  }
  const found: Finding[] = [{ state: 'good', about: 'stack', found: `${stack} in ${outputs.region}` }];
  const checks: [string, () => Promise<Finding[]>][] = [
    ['table', () => table(outputs)],
    ['iterator age', () => iteratorAge(outputs, now())],
    ['queues', async () => waiting(outputs, await workAges(outputs, now()))],
    ['dead letters', () => deadLetters(outputs, options.redrive)],
    ['undelivered', () => undelivered(outputs)],
    ['alarms', () => alarms(stack, outputs)],
    ['endpoint', () => endpoint(outputs, options)],
  ];
  for (const [about, check] of checks) {
    try {
      found.push(...(await check()));
    } catch (error) {
      const remedy = 'May these credentials look at it?';
      found.push({ state: 'bad', about, found: messageOf(error), remedy });
    }
  }
  return found;
}

async function table({ tableName, region }: StackOutputs): Promise<Finding[]> {
  const client = new DynamoDBClient({ region });
  try {
    const { Table: description } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    const status = description?.TableStatus ?? 'unknown';
    if (status === 'ACTIVE') return [{ state: 'good', about: 'table', found: tableName }];
    return [
      { state: 'bad', about: 'table', found: `${tableName} is ${status}`, remedy: 'Wait until it is ACTIVE' },
    ];
  } finally {
    client.destroy();
  }
}

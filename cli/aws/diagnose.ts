/** What `kumulus doctor --stack` finds out about a cluster on AWS. */
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createIamToken } from '../../lib/aws/iam-token.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Finding } from '../../localstack/embedded/diagnose.ts';
import { credentialsFor, stsUrlOf } from './environment.ts';
import { redrive } from './redrive.ts';
import { describeStack, reachableEndpoint, type StackOutputs } from './stack.ts';

export interface StackToDiagnose {
  stack: string;
  region?: string;
  role?: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Whether dead letters go back to the queues that they were given up in. */
  redrive?: boolean;
}

/** STS refuses what was signed more than five minutes ago or ahead. */
const mostSkewMs = 60_000;
const requestTimeoutMs = 30_000;

export async function diagnoseStack(options: StackToDiagnose): Promise<Finding[]> {
  const { stack, region } = options;
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
    ['dead letters', () => deadLetters(outputs, options.redrive)],
    ['undelivered', () => undelivered(outputs)],
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

/** Which work was given up, and why; looking at a message does not take it away. */
async function deadLetters(outputs: StackOutputs, isRedrive = false): Promise<Finding[]> {
  const { deadLetterQueueUrl: url, region } = outputs;
  const about = 'dead letters';
  const client = new SQSClient({ region, useQueueUrlAsEndpoint: false });
  try {
    if (isRedrive) {
      const { moved, dropped } = await redrive(client, outputs);
      const lost = dropped.map((body) => `\n      ${body.slice(0, 300)}`).join('');
      const found = `${moved} are worked on again${dropped.length > 0 ? `; ${dropped.length} that nobody can read were dropped${lost}` : ''}`;
      return [{ state: 'note', about, found }];
    }
    const waiting = await countOf(client, url);
    if (waiting === 0) return [{ state: 'good', about, found: 'none' }];
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
    );
    const shown = messages.map(({ Body: body = '' }) => `\n      ${body.slice(0, 300)}`).join('');
    const remedy =
      'Mend what they complain of; then the next change or resync works on them again, or at once: kumulus doctor --stack NAME --redrive';
    return [{ state: 'bad', about, found: `${waiting} items were given up${shown}`, remedy }];
  } finally {
    client.destroy();
  }
}

async function undelivered({ undeliveredQueueUrl: url, region }: StackOutputs): Promise<Finding[]> {
  const about = 'undelivered';
  const client = new SQSClient({ region, useQueueUrlAsEndpoint: false });
  try {
    const waiting = await countOf(client, url);
    if (waiting === 0) return [{ state: 'good', about, found: 'none' }];
    const remedy =
      'The logs of dispatch, delays and instance events say why they failed; the resync repairs what these would have led to, but for a machine that went undrained';
    const found = `${waiting} changes, delays or events of machines reached no function`;
    return [{ state: 'bad', about, found, remedy }];
  } finally {
    client.destroy();
  }
}

async function countOf(client: SQSClient, url: string): Promise<number> {
  const { Attributes: attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(attributes?.ApproximateNumberOfMessages ?? 0);
}

/** Whether the API answers, to whom, how its clock differs from this machine's, and which nodes it has. */
async function endpoint(outputs: StackOutputs, options: StackToDiagnose): Promise<Finding[]> {
  const about = 'endpoint';
  const server = reachableEndpoint(outputs.endpoint, process.env.AWS_ENDPOINT_URL);
  const { credentials, region } = await credentialsFor({
    region: outputs.region,
    role: options.role ?? outputs.adminRoleArn,
  });
  const { token } = await createIamToken({
    cluster: options.stack,
    region,
    credentials,
    stsUrl: stsUrlOf(process.env),
    nowMs: options.now(),
  });
  const ask = (path: string) =>
    fetch(`${server}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
  const ready = await ask('/readyz');
  if (!ready.ok) {
    const remedy = 'The API server function’s log says why';
    return [{ state: 'bad', about, found: `${server} answers ${ready.status}`, remedy }];
  }
  const found: Finding[] = [{ state: 'good', about, found: server }];
  const skewMs = Math.abs(Date.parse(ready.headers.get('date') ?? '') - options.now());
  if (skewMs > mostSkewMs) {
    const remedy = 'Set this machine’s clock: tokens are signed with the time';
    found.push({ state: 'bad', about: 'clock', found: `${Math.round(skewMs / 1000)} s apart`, remedy });
  }
  const nodes = await ask('/api/v1/nodes');
  if (!nodes.ok) {
    const remedy = 'Which access entry names this role? docs/aws.md, "Who is who"';
    return [...found, { state: 'bad', about: 'access', found: `nodes: ${nodes.status}`, remedy }];
  }
  return [...found, ...nodesOf((await nodes.json()) as NodeList)];
}

interface NodeList {
  items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } }[];
}

function nodesOf({ items }: NodeList): Finding[] {
  const about = 'nodes';
  const unready = items.filter(
    ({ status }) => !status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
  );
  if (items.length === 0) return [{ state: 'note', about, found: 'none: pods wait until there is one' }];
  if (unready.length === 0) return [{ state: 'good', about, found: `${items.length} ready` }];
  const names = unready.map(({ metadata }) => metadata.name).join(', ');
  const remedy = `kubectl describe node ${unready[0]?.metadata.name}`;
  return [{ state: 'bad', about, found: `not ready: ${names}`, remedy }];
}

/** What waits, and what was given up. */
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Finding } from '../../../localstack/embedded/diagnose.ts';
import { redrive } from '../redrive.ts';
import type { StackOutputs } from '../stack.ts';

/** After which somebody should look why nobody takes work: what fails is tried again from the delay queue, and does not wait. */
const longestWaitSeconds = 300;

/** How long the oldest work has waited for its function. */
export type WorkAges = Record<'work' | 'scheduler', number>;

/** How much waits for the functions, is in their hands, or is to come later; and whether it has waited for too long. */
export async function waiting(outputs: StackOutputs, ageSeconds: WorkAges): Promise<Finding[]> {
  const about = 'queues';
  const late = (['work', 'scheduler'] as const).filter((name) => ageSeconds[name] > longestWaitSeconds);
  return withQueues(outputs, async (client) => {
    const counts = await Promise.all(
      Object.entries({
        work: outputs.workQueueUrl,
        scheduler: outputs.schedulerQueueUrl,
        delays: outputs.delayQueueUrl,
      }).map(async ([name, url]) => `${name} ${await countOf(client, url, everyState)}`),
    );
    const found = counts.join(', ');
    if (late.length === 0) return [{ state: 'good', about, found }];
    const waited = late.map((name) => `${name} has waited for ${Math.round(ageSeconds[name])} s`).join(', ');
    const remedy =
      'Are the functions throttled (a quota of concurrent executions), or do they fail? Their logs and the dashboard say so';
    return [{ state: 'bad', about, found: `${found}; ${waited}`, remedy }];
  });
}

/** Which work was given up, and why; looking at a message does not take it away. */
export async function deadLetters(outputs: StackOutputs, isRedrive = false): Promise<Finding[]> {
  const { deadLetterQueueUrl: url } = outputs;
  const about = 'dead letters';
  return withQueues(outputs, async (client) => {
    if (isRedrive) {
      const { moved, dropped } = await redrive(client, outputs);
      const lost = dropped.map((body) => `\n      ${body.slice(0, 300)}`).join('');
      const found = `${moved} are worked on again${dropped.length > 0 ? `; ${dropped.length} that nobody can read were dropped${lost}` : ''}`;
      return [{ state: 'note', about, found }];
    }
    const count = await countOf(client, url);
    if (count === 0) return [{ state: 'good', about, found: 'none' }];
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
    );
    const shown = messages.map(({ Body: body = '' }) => `\n      ${body.slice(0, 300)}`).join('');
    const remedy =
      'Mend what they complain of; then the next change or resync works on them again, or at once: kumulus doctor --stack NAME --redrive';
    return [{ state: 'bad', about, found: `${count} items were given up${shown}`, remedy }];
  });
}

export async function undelivered(outputs: StackOutputs): Promise<Finding[]> {
  const about = 'undelivered';
  const count = await withQueues(outputs, (client) => countOf(client, outputs.undeliveredQueueUrl));
  if (count === 0) return [{ state: 'good', about, found: 'none' }];
  const remedy =
    'The logs of dispatch, delays and instance events say why they failed; the resync repairs what these would have led to, but for a machine that went undrained';
  const found = `${count} changes, delays or events of machines reached no function`;
  return [{ state: 'bad', about, found, remedy }];
}

type Count =
  | 'ApproximateNumberOfMessages'
  | 'ApproximateNumberOfMessagesNotVisible'
  | 'ApproximateNumberOfMessagesDelayed';

const everyState: Count[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

async function countOf(
  client: SQSClient,
  url: string,
  states: Count[] = ['ApproximateNumberOfMessages'],
): Promise<number> {
  const { Attributes: attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: states }),
  );
  return states.reduce((sum, state) => sum + Number(attributes?.[state] ?? 0), 0);
}

async function withQueues<T>({ region }: StackOutputs, run: (client: SQSClient) => Promise<T>): Promise<T> {
  const client = new SQSClient({ region, useQueueUrlAsEndpoint: false });
  try {
    return await run(client);
  } finally {
    client.destroy();
  }
}

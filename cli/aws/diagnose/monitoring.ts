/** What CloudWatch has seen: how long changes and work have waited, and what has set off an alarm. */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  type Metric,
} from '@aws-sdk/client-cloudwatch';
import type { Finding } from '../../../localstack/embedded/diagnose.ts';
import type { StackOutputs } from '../stack.ts';
import type { WorkAges } from './queues.ts';

/** How far back is looked: metrics come some minutes late. */
const windowMs = 15 * 60_000;
const periodSeconds = 60;
/** The alarm of the same name looks at the same. */
const longestIteratorAgeMs = 60_000;
/** Whose queues say by themselves, and sooner, what is in them. */
const ofDeadLetters = ['DeadLetters', 'Undelivered'];

/** How old the changes are that the table's stream hands to dispatch. */
export async function iteratorAge(outputs: StackOutputs, nowMs: number): Promise<Finding[]> {
  const about = 'iterator age';
  const { age: ageMs } = await newest(outputs, nowMs, {
    age: metric('AWS/Lambda', 'IteratorAge', 'FunctionName', outputs.dispatchFunctionName),
  });
  if (ageMs === undefined) {
    return [{ state: 'good', about, found: `no change was handed on in ${windowMs / 60_000} minutes` }];
  }
  const found = `${(ageMs / 1000).toFixed(1)} s`;
  if (ageMs < longestIteratorAgeMs) return [{ state: 'good', about, found }];
  const remedy = `Its log says what holds dispatch up: aws logs tail ${outputs.dispatchLogGroup} --since 15m`;
  return [{ state: 'bad', about, found, remedy }];
}

export async function workAges(outputs: StackOutputs, nowMs: number): Promise<WorkAges> {
  const oldest = (url: string) =>
    metric('AWS/SQS', 'ApproximateAgeOfOldestMessage', 'QueueName', url.slice(url.lastIndexOf('/') + 1));
  const { work = 0, scheduler = 0 } = await newest(outputs, nowMs, {
    work: oldest(outputs.workQueueUrl),
    scheduler: oldest(outputs.schedulerQueueUrl),
  });
  return { work, scheduler };
}

/** Those of the stack that are on, each with what its description says to do. */
export async function alarms(stack: string, { region }: StackOutputs): Promise<Finding[]> {
  const about = 'alarms';
  const client = new CloudWatchClient({ region });
  try {
    const { MetricAlarms: on = [] } = await client.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: `${stack}-`, StateValue: 'ALARM' }),
    );
    const others = on.filter(
      ({ AlarmName: name = '' }) => !ofDeadLetters.includes(name.slice(stack.length + 1)),
    );
    if (others.length === 0) return [{ state: 'good', about, found: 'none' }];
    return others.map(({ AlarmName: name = '', AlarmDescription: remedy }) => ({
      state: 'bad',
      about,
      found: name,
      remedy,
    }));
  } finally {
    client.destroy();
  }
}

function metric(Namespace: string, MetricName: string, Name: string, Value: string): Metric {
  return { Namespace, MetricName, Dimensions: [{ Name, Value }] };
}

/** The greatest value in the newest minute of each metric; undefined for those that had none lately. */
async function newest<K extends string>(
  { region }: StackOutputs,
  nowMs: number,
  metrics: Record<K, Metric>,
): Promise<Partial<Record<K, number>>> {
  const client = new CloudWatchClient({ region });
  try {
    const { MetricDataResults: results = [] } = await client.send(
      new GetMetricDataCommand({
        StartTime: new Date(nowMs - windowMs),
        EndTime: new Date(nowMs),
        MetricDataQueries: Object.entries<Metric>(metrics).map(([Id, one]) => ({
          Id,
          MetricStat: { Metric: one, Period: periodSeconds, Stat: 'Maximum' },
        })),
      }),
    );
    const values = results.map(({ Id, Timestamps = [], Values = [] }) => {
      const times = Timestamps.map((time) => time.getTime());
      return [Id, Values[times.indexOf(Math.max(...times))]];
    });
    return Object.fromEntries(values) as Partial<Record<K, number>>;
  } finally {
    client.destroy();
  }
}

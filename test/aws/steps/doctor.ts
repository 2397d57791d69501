/** What `kumulus doctor` says of a stack in trouble, as far as it is told by CloudWatch and by clocks. */
import { basename } from 'node:path';
import { CloudWatchClient, PutMetricDataCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { expect } from 'vitest';
import { diagnoseStack } from '../../../cli/aws/diagnose/index.ts';
import { cluster, doctor, step } from './cluster.ts';

export function diagnosis(): void {
  step('says how long changes and work have waited, and which alarms are on', async () => {
    const { name, outputs } = cluster();
    const alarm = `${name}-IteratorAge`;
    expect(await diagnose('iterator age')).toMatchObject([{ state: 'good' }]);
    expect(await diagnose('queues')).toMatchObject([
      { state: 'good', found: expect.stringMatching(/^work \d+, scheduler \d+, delays \d+$/) },
    ]);
    expect(await diagnose('alarms')).toMatchObject([{ state: 'good', found: 'none' }]);
    const startedAtMs = Date.now();
    await measure(startedAtMs - 180_000, 400);
    expect(await diagnose('iterator age')).toMatchObject([
      { state: 'bad', found: '400.0 s', remedy: expect.stringContaining(outputs.dispatchLogGroup) },
    ]);
    expect(await diagnose('queues')).toMatchObject([
      { state: 'bad', found: expect.stringMatching(/; work has waited for 400 s$/) },
    ]);
    expect(await diagnose('alarms')).toMatchObject([
      { state: 'bad', found: alarm, remedy: expect.stringContaining('its log says what holds it up') },
    ]);
    await measure(startedAtMs - 60_000, 1);
    await takeBack(alarm);
    expect((await doctor()).filter(({ state }) => state === 'bad')).toEqual([]);
  });

  step('says that a clock is wrong', async () => {
    expect(await diagnose('clock', () => Date.now() + 600_000)).toMatchObject([
      { state: 'bad', found: expect.stringMatching(/^(599|600|601) s apart$/) },
    ]);
  });
}

async function diagnose(about: string, now = Date.now) {
  const found = await diagnoseStack({ stack: cluster().name, now });
  return found.filter((finding) => finding.about === about);
}

/** Says to CloudWatch what Lambda and SQS say to it: that changes and work were as old as that, at that time. */
async function measure(atMs: number, ageSeconds: number): Promise<void> {
  const { outputs, client } = cluster();
  const cloudWatch = new CloudWatchClient(client);
  for (const [Namespace, MetricName, Name, Value, age] of [
    ['AWS/Lambda', 'IteratorAge', 'FunctionName', outputs.dispatchFunctionName, ageSeconds * 1000],
    ['AWS/SQS', 'ApproximateAgeOfOldestMessage', 'QueueName', basename(outputs.workQueueUrl), ageSeconds],
  ] as const) {
    const datum = { MetricName, Dimensions: [{ Name, Value }], Value: age, Timestamp: new Date(atMs) };
    await cloudWatch.send(new PutMetricDataCommand({ Namespace, MetricData: [datum] }));
  }
  cloudWatch.destroy();
}

/** Takes an alarm back, which the emulator keeps for all of its time. */
async function takeBack(alarm: string): Promise<void> {
  const cloudWatch = new CloudWatchClient(cluster().client);
  const reason = 'the test is over';
  await cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: alarm, StateValue: 'OK', StateReason: reason }),
  );
  cloudWatch.destroy();
}

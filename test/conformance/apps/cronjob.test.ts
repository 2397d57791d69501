import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CronJob, CronJobSpec, Job } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { cronJobs, jobs } from '../../../lib/client/resources.ts';
import { fastClock } from '../../support/fast-clock.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { job } from '../support/workloads.ts';

/** A minute is two seconds here. */
const clock = fastClock(30);
let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ clock });
});
afterAll(() => plane.close());

async function everyMinute(spec: Partial<CronJobSpec>): Promise<string> {
  const namespace = await plane.namespace();
  const { template } = job('work', undefined).spec;
  const cronJob: CronJob = {
    metadata: { name: 'often', namespace },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...spec },
  };
  await plane.client.create(cronJobs, cronJob);
  return namespace;
}

async function active(namespace: string): Promise<Persisted<Job>[]> {
  const { items } = await plane.client.list(jobs, { namespace });
  const { status } = await plane.client.get(cronJobs, { namespace, name: 'often' });
  const uids = new Set(status?.active?.map(({ uid }) => uid));
  return items.filter(({ metadata }) => uids.has(metadata.uid) && !metadata.deletionTimestamp);
}

const firstOf = (namespace: string) =>
  eventually('one job is active', async () => {
    const found = await active(namespace);
    return found.length === 1 && found[0];
  });

/** Until the schedule has come round so often. */
async function minutes(count: number): Promise<void> {
  const until = clock.now() + count * 60_000;
  await eventually(`${count} minutes have passed`, () => clock.now() >= until);
}

test('CronJob should schedule multiple jobs concurrently', async () => {
  const namespace = await everyMinute({ concurrencyPolicy: 'Allow' });
  await eventually('two jobs are active', async () => (await active(namespace)).length >= 2);
});

test('CronJob should not schedule jobs when suspended', async () => {
  const namespace = await everyMinute({ suspend: true });
  await minutes(3);
  expect((await plane.client.list(jobs, { namespace })).items).toEqual([]);
});

test('CronJob should not schedule new jobs when ForbidConcurrent', async () => {
  const namespace = await everyMinute({ concurrencyPolicy: 'Forbid' });
  const first = await firstOf(namespace);
  await minutes(3);
  const { items } = await plane.client.list(jobs, { namespace });
  expect(items.map(({ metadata }) => metadata.uid)).toEqual([first.metadata.uid]);
});

test('CronJob should replace jobs when ReplaceConcurrent', async () => {
  const namespace = await everyMinute({ concurrencyPolicy: 'Replace' });
  const first = await firstOf(namespace);
  await eventually('another one is in its place', async () => {
    const found = await active(namespace);
    return found.length === 1 && found[0]?.metadata.uid !== first.metadata.uid;
  });
});

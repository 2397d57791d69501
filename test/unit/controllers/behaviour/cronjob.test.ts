import { expect, test } from 'vitest';
import type { CronJob, CronJobSpec, Job } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { cronJobs, events, jobs } from '../../../../lib/client/resources.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { stepped } from './jobs.ts';
import { testNamespaceWithAccount } from './objects.ts';

const ref = { namespace: 'test', name: 'often' };
const controllers = ['cronjob', 'ttl-after-finished', 'garbage-collector', 'serviceaccount'];

function often(spec: Partial<CronJobSpec> = {}): CronJob {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } };
  return {
    metadata: ref,
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...spec },
  };
}

async function open(spec: Partial<CronJobSpec>): Promise<TestCluster> {
  const cluster = await openCluster({ controllers });
  await testNamespaceWithAccount(cluster.client);
  await cluster.client.create(cronJobs, often(spec));
  return cluster;
}

const jobsOf = async ({ client }: TestCluster) =>
  (await client.list(jobs, { namespace: 'test' })).items.filter(
    ({ metadata }) => !metadata.deletionTimestamp,
  );
const get = ({ client }: TestCluster): Promise<Persisted<CronJob>> => client.get(cronJobs, ref);

const jobCount = (cluster: TestCluster, count: number) =>
  stepped(
    cluster,
    `${count} jobs`,
    async () => {
      const all = await jobsOf(cluster);
      return all.length === count && all;
    },
    5_000,
  );

/** As the Job controller does. */
async function finish(cluster: TestCluster, name: string, type: 'Complete' | 'Failed'): Promise<void> {
  const { client, clock } = cluster;
  const job = await client.get(jobs, { namespace: 'test', name });
  const at = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
  const interim = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  const conditions = [interim, type].map((one) => ({ type: one, status: 'True', lastTransitionTime: at }));
  const status = {
    ...job.status,
    startTime: at,
    conditions,
    ...(type === 'Complete' && { completionTime: at }),
  };
  await client.update(jobs, { ...job, status }, { subresource: 'status' });
}

const hasEvent = (cluster: TestCluster, wanted: string) =>
  stepped(
    cluster,
    wanted,
    async () =>
      (await cluster.client.list(events, { namespace: 'test' })).items.some(
        ({ reason }) => reason === wanted,
      ),
    1_000,
  );

test('a Job for each minute, named after it, and what it did in the status', async () => {
  await using cluster = await open({ timeZone: 'Asia/Tokyo' });
  const [first] = await jobCount(cluster, 1);
  expect(first?.metadata.name).toMatch(/^often-\d{8}$/);
  expect(first?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toBe(
    '2026-01-01T09:01:00+09:00',
  );
  const shown = await get(cluster);
  expect(shown.status).toMatchObject({
    active: [{ kind: 'Job', name: first?.metadata.name, apiVersion: 'batch/v1' }],
    lastScheduleTime: '2026-01-01T00:01:00Z',
  });
  await finish(cluster, first?.metadata.name ?? '', 'Complete');
  await stepped(cluster, 'seen', async () => (await get(cluster)).status?.lastSuccessfulTime !== undefined);
  await jobCount(cluster, 2);
  await hasEvent(cluster, 'SawCompletedJob');
});

test('Forbid waits for the one before, Replace takes its place', async () => {
  await using cluster = await open({ concurrencyPolicy: 'Forbid' });
  const [first] = await jobCount(cluster, 1);
  await cluster.clock.step(180_000);
  expect(await jobsOf(cluster)).toHaveLength(1);
  await hasEvent(cluster, 'JobAlreadyActive');
  await cluster.client.patch(cronJobs, ref, {
    type: 'merge',
    patch: { spec: { concurrencyPolicy: 'Replace' } },
  });
  await stepped(cluster, 'another one', async () => {
    const all = await jobsOf(cluster);
    return all.length === 1 && all[0]?.metadata.uid !== first?.metadata.uid;
  });
  expect((await get(cluster)).status?.active).toHaveLength(1);
});

test('keeps as many of those that ended as it is told', async () => {
  await using cluster = await open({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 });
  for (const type of ['Complete', 'Failed', 'Complete'] as const) {
    const name = await stepped(
      cluster,
      'a job that runs',
      async () => (await jobsOf(cluster)).find(({ status }) => !status?.conditions)?.metadata.name,
      5_000,
    );
    await finish(cluster, name, type);
    await cluster.clock.step(1_000);
  }
  await cluster.client.patch(cronJobs, ref, { type: 'merge', patch: { spec: { suspend: true } } });
  await stepped(cluster, 'one is left', async () => {
    const all = await jobsOf(cluster);
    const ended = all.filter(({ status }) => status?.conditions);
    return ended.length === 1 && ended[0]?.status?.conditions?.some(({ type }) => type === 'Complete');
  });
});

test('suspended nothing is made, and what is too late is missed', async () => {
  await using cluster = await open({ suspend: true, startingDeadlineSeconds: 20, schedule: '0 * * * *' });
  const { client, clock } = cluster;
  await clock.step(2 * 3_600_000);
  expect(await jobsOf(cluster)).toEqual([]);
  await clock.step(60_000);
  await client.patch(cronJobs, ref, { type: 'merge', patch: { spec: { suspend: false } } });
  await clock.step(10_000);
  expect(await jobsOf(cluster)).toEqual([]);
  await stepped(cluster, 'the next hour', async () => (await jobsOf(cluster)).length === 1, 300_000);
});

test('a controller that was away makes one Job for the newest of the times it missed', async () => {
  await using cluster = await open({});
  await jobCount(cluster, 1);
  const stoppedAt = cluster.clock.now();
  await cluster.restart();
  await cluster.clock.step(1);
  expect(cluster.clock.now()).toBeGreaterThan(stoppedAt);
  const names = (await jobsOf(cluster)).map(({ metadata }) => metadata.name);
  expect(names).toHaveLength(1);
});

test('a Job that was made before its controller died is told of and counts as active', async () => {
  await using cluster = await open({ concurrencyPolicy: 'Forbid' });
  const { client } = cluster;
  const [job] = await jobCount(cluster, 1);
  const shown = await get(cluster);
  const { active: _, lastScheduleTime: __, ...forgotten } = shown.status ?? {};
  await client.update(cronJobs, { ...shown, status: forgotten }, { subresource: 'status' });
  await hasEvent(cluster, 'UnexpectedJob');
  await stepped(cluster, 'active again', async () => {
    const { status } = await get(cluster);
    return status?.active?.length === 1 && status.lastScheduleTime === shown.status?.lastScheduleTime;
  });
  await hasEvent(cluster, 'JobAlreadyActive');
  expect((await jobsOf(cluster)).map(({ metadata }) => metadata.uid)).toEqual([job?.metadata.uid]);
});

test('a Job of the name that is somebody else’s is left to him', async () => {
  await using cluster = await openCluster({ controllers });
  const { client } = cluster;
  await testNamespaceWithAccount(client);
  const minute = Math.floor(Date.parse('2026-01-01T00:01:00Z') / 60_000);
  const { jobTemplate } = often().spec;
  const foreign = { namespace: 'test', name: `often-${minute}` };
  await client.create(jobs, { metadata: foreign, spec: jobTemplate.spec ?? {} } as Job);
  await client.create(cronJobs, often());
  const all = await jobCount(cluster, 2);
  expect(all.map(({ metadata }) => metadata.name).sort()).toEqual([foreign.name, `often-${minute + 1}`]);
  const reasons = (await client.list(events, { namespace: 'test' })).items.map(({ reason }) => reason);
  expect(reasons).not.toContain('FailedCreate');
});

test('a schedule that never comes is told of', async () => {
  await using cluster = await open({ schedule: '0 0 31 2 *' });
  await hasEvent(cluster, 'InvalidSchedule');
  const { items } = await cluster.client.list(events, { namespace: 'test' });
  expect(items.find(({ reason }) => reason === 'InvalidSchedule')).toMatchObject({
    type: 'Warning',
    message: 'invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second',
  });
});

test('a Job that is over is deleted after its time', async () => {
  await using cluster = await openCluster({ controllers });
  const { client, clock } = cluster;
  await testNamespaceWithAccount(client);
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } };
  const metadata = { namespace: 'test', name: 'short' };
  await client.create(jobs, { metadata, spec: { template, ttlSecondsAfterFinished: 60 } });
  await clock.step(3_600_000);
  expect(await jobsOf(cluster)).toHaveLength(1);
  await finish(cluster, 'short', 'Complete');
  await clock.step(50_000);
  expect(await jobsOf(cluster)).toHaveLength(1);
  await jobCount(cluster, 0);
});

import { expect, test } from 'vitest';
import { events, jobs, pods } from '../../../../lib/client/resources.ts';
import {
  conditionTypes,
  endPod,
  finished,
  getWork,
  openJobCluster,
  patchWork,
  running,
  runningOnes,
  stepped,
  work,
} from './jobs.ts';
import { podsIn } from './objects.ts';

const tracking = 'batch.kubernetes.io/job-tracking';

test('runs its completions, as many at once as it may, and says so', async () => {
  await using cluster = await openJobCluster();
  const { client, clock } = cluster;
  await client.create(jobs, work({ completions: 5, parallelism: 2 }));
  for (let round = 0; round < 2; round++) {
    const pair = await runningOnes(cluster, 2);
    for (const pod of pair) {
      expect(pod.metadata.finalizers).toContain(tracking);
      await endPod(cluster, pod, 0);
    }
  }
  const [last] = await runningOnes(cluster, 1);
  if (last) await endPod(cluster, last, 0);
  const { status } = await finished(cluster, 'Complete');
  expect(status).toMatchObject({ succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
  expect(status?.active).toBeUndefined();
  expect(status?.conditions).toMatchObject([
    {
      type: 'SuccessCriteriaMet',
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    },
    { type: 'Complete', reason: 'CompletionsReached' },
  ]);
  expect(Date.parse(status?.completionTime ?? '')).toBeGreaterThanOrEqual(
    Date.parse(status?.startTime ?? ''),
  );
  for (const pod of await podsIn(client)) expect(pod.metadata.finalizers ?? []).toEqual([]);
  await stepped(cluster, 'events', async () => {
    await clock.step(1_000);
    const all = (await client.list(events, { namespace: 'test' })).items;
    return all.some(({ reason, message }) => reason === 'Completed' && message === 'Job completed');
  });
});

test('a failed pod is replaced after 10 s, then 20 s, and the Job fails past its limit', async () => {
  await using cluster = await openJobCluster();
  const { client, clock } = cluster;
  await client.create(jobs, work({ backoffLimit: 2 }));
  for (const waitMs of [10_000, 20_000]) {
    const [pod] = await runningOnes(cluster, 1);
    if (pod) await endPod(cluster, pod, 1);
    await stepped(cluster, 'it is counted', async () => !(await getWork(client)).status?.active, 50);
    await clock.step(waitMs - 3_000);
    expect(await running(client)).toEqual([]);
  }
  const [last] = await runningOnes(cluster, 1);
  if (last) await endPod(cluster, last, 1);
  const { status } = await finished(cluster, 'Failed');
  expect(status).toMatchObject({ failed: 3 });
  expect(status?.conditions).toMatchObject([
    { type: 'FailureTarget', reason: 'BackoffLimitExceeded' },
    {
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    },
  ]);
});

test('past its deadline, what runs is ended and the Job has failed', async () => {
  await using cluster = await openJobCluster();
  const { client, clock } = cluster;
  await client.create(jobs, work({ activeDeadlineSeconds: 30, parallelism: 2, completions: 2 }));
  await runningOnes(cluster, 2);
  await clock.step(31_000);
  const { status } = await finished(cluster, 'Failed');
  expect(status?.conditions).toMatchObject([
    { type: 'FailureTarget' },
    { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' },
  ]);
  expect(status).toMatchObject({ failed: 2, terminating: 0 });
  expect(await running(client)).toEqual([]);
});

test('an Indexed Job gives each index a pod of its own, and writes down which are done', async () => {
  await using cluster = await openJobCluster();
  const { client } = cluster;
  await client.create(jobs, work({ completions: 4, parallelism: 4, completionMode: 'Indexed' }));
  const all = await runningOnes(cluster, 4);
  const indexOf = (pod: (typeof all)[0]) =>
    pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
  expect(new Set(all.map(indexOf))).toEqual(new Set(['0', '1', '2', '3']));
  for (const pod of all) {
    const index = indexOf(pod);
    expect(pod.spec.hostname).toBe(`work-${index}`);
    expect(pod.metadata.name).toMatch(new RegExp(`^work-${index}-`));
    expect(pod.spec.containers[0]?.env?.[0]?.name).toBe('JOB_COMPLETION_INDEX');
    if (index !== '1') await endPod(cluster, pod, 0);
  }
  await stepped(cluster, '0,2,3', async () => (await getWork(client)).status?.completedIndexes === '0,2,3');
  const [left] = await runningOnes(cluster, 1);
  if (left) await endPod(cluster, left, 0);
  expect((await finished(cluster, 'Complete')).status).toMatchObject({
    completedIndexes: '0-3',
    succeeded: 4,
  });
});

test('each index has its own backoff limit, and a Job with a failed index fails once the others are done', async () => {
  await using cluster = await openJobCluster();
  const { client } = cluster;
  const spec = { completions: 2, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: 1 };
  await client.create(jobs, work(spec));
  const count = 'batch.kubernetes.io/job-index-failure-count';
  for (const before of ['0', '1']) {
    const pod = await stepped(cluster, `index 0 after ${before} failures`, async () =>
      (await running(client)).find(
        ({ metadata: { annotations } }) =>
          annotations?.['batch.kubernetes.io/job-completion-index'] === '0' && annotations[count] === before,
      ),
    );
    await endPod(cluster, pod, 1);
  }
  await stepped(cluster, 'index 0 failed', async () => (await getWork(client)).status?.failedIndexes === '0');
  const [other] = await runningOnes(cluster, 1);
  if (other) await endPod(cluster, other, 0);
  const { status } = await finished(cluster, 'Failed');
  expect(status).toMatchObject({ completedIndexes: '1', failedIndexes: '0', succeeded: 1, failed: 2 });
  expect(conditionTypes(await getWork(client))).toEqual(['FailureTarget', 'Failed']);
  expect(status?.conditions?.at(-1)).toMatchObject({
    reason: 'FailedIndexes',
    message: 'Job has failed indexes',
  });
});

test('a failure policy ignores disruptions, fails the Job by exit code', async () => {
  await using cluster = await openJobCluster();
  const { client } = cluster;
  const rules = [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [42] } },
  ];
  await client.create(jobs, work({ backoffLimit: 0, podFailurePolicy: { rules } }));
  const [first] = await runningOnes(cluster, 1);
  if (first) await endPod(cluster, first, 137, [{ type: 'DisruptionTarget', status: 'True' }]);
  const second = await stepped(cluster, 'another one', async () =>
    (await running(client)).find(({ metadata }) => metadata.name !== first?.metadata.name),
  );
  await endPod(cluster, second, 42);
  const { status } = await finished(cluster, 'Failed');
  expect(status).toMatchObject({ failed: 1 });
  expect(status?.conditions?.at(-1)).toMatchObject({
    reason: 'PodFailurePolicy',
    message: `Container main for pod test/${second.metadata.name} failed with exit code 42 matching FailJob rule at index 1`,
  });
});

test('a success policy ends the Job, and what still runs with it', async () => {
  await using cluster = await openJobCluster();
  const { client } = cluster;
  const successPolicy = { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] };
  await client.create(
    jobs,
    work({ completions: 3, parallelism: 3, completionMode: 'Indexed', successPolicy }),
  );
  const all = await runningOnes(cluster, 3);
  const leader = all.find(
    ({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === '1',
  );
  if (leader) await endPod(cluster, leader, 0);
  const { status } = await finished(cluster, 'Complete');
  expect(status?.conditions).toMatchObject([
    { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: 'Matched rules at index 0' },
    { type: 'Complete', reason: 'SuccessPolicy' },
  ]);
  expect(status).toMatchObject({ succeeded: 1, completedIndexes: '1' });
  expect(status?.failed).toBeUndefined();
  await stepped(cluster, 'nothing runs', async () => (await running(client)).length === 0);
});

test('a suspended Job has no pods and has not begun; resumed, its time starts anew', async () => {
  await using cluster = await openJobCluster();
  const { client, clock } = cluster;
  await client.create(jobs, work({ suspend: true, parallelism: 2, completions: 2 }));
  await stepped(cluster, 'suspended', async () =>
    conditionTypes(await getWork(client)).includes('Suspended'),
  );
  expect((await getWork(client)).status?.startTime).toBeUndefined();
  await patchWork(client, { suspend: false });
  await runningOnes(cluster, 2);
  const began = (await getWork(client)).status?.startTime ?? '';
  await clock.step(60_000);
  await patchWork(client, { suspend: true });
  await stepped(cluster, 'no pods', async () => (await podsIn(client)).length === 0);
  expect((await getWork(client)).status).toMatchObject({ ready: 0 });
  // Pods that were taken away have not failed.
  expect((await getWork(client)).status?.failed).toBeUndefined();
  await patchWork(client, { suspend: false });
  await stepped(cluster, 'resumed', async () => !conditionTypes(await getWork(client)).includes('Suspended'));
  for (const pod of await runningOnes(cluster, 2)) await endPod(cluster, pod, 0);
  const { status } = await finished(cluster, 'Complete');
  expect(Date.parse(status?.startTime ?? '')).toBeGreaterThan(Date.parse(began));
});

test('less parallelism takes pods away, more brings them back', async () => {
  await using cluster = await openJobCluster();
  const { client } = cluster;
  await client.create(jobs, work({ completions: 6, parallelism: 4 }));
  await runningOnes(cluster, 4);
  await patchWork(client, { parallelism: 1 });
  await runningOnes(cluster, 1);
  await patchWork(client, { parallelism: 3 });
  await runningOnes(cluster, 3);
  expect((await getWork(client)).status?.failed).toBeUndefined();
});

test('pods that are replaced only when they have ended are not replaced while they go', async () => {
  await using cluster = await openJobCluster();
  const { client, node, clock } = cluster;
  await client.create(jobs, work({ podReplacementPolicy: 'Failed', backoffLimit: 5 }));
  const [pod] = await runningOnes(cluster, 1);
  node.accept = () => false;
  const { namespace, name } = pod?.metadata ?? { name: '' };
  // Held by its own finalizer, the pod goes on being deleted for as long as it is not counted.
  await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 30 });
  await clock.step(15_000);
  const others = (await podsIn(client)).filter(({ metadata }) => metadata.name !== name);
  expect(others).toEqual([]);
  if (pod) await endPod(cluster, pod, 1);
  node.accept = () => true;
  await stepped(cluster, 'another pod', async () =>
    (await running(client)).some(({ metadata }) => metadata.name !== name),
  );
});

test('a Job of another controller is left to it', async () => {
  await using cluster = await openJobCluster();
  const { client, clock } = cluster;
  await client.create(jobs, work({ managedBy: 'example.org/queue' }));
  await clock.step(5_000);
  expect(await podsIn(client)).toEqual([]);
  expect((await getWork(client)).status).toEqual({});
});

test('pods of a Job that is deleted are let go, and orphans adopted with what tracks them', async () => {
  await using cluster = await openJobCluster();
  const { client } = cluster;
  const created = await client.create(jobs, work({ parallelism: 2, completions: 2 }));
  await runningOnes(cluster, 2);
  await client.delete(jobs, { namespace: 'test', name: 'work' }, { propagationPolicy: 'Orphan' });
  await stepped(cluster, 'the pods are orphans', async () =>
    (await podsIn(client)).every(
      ({ metadata }) => !metadata.ownerReferences?.length && !metadata.finalizers?.includes(tracking),
    ),
  );
  const { template, selector } = created.spec;
  await stepped(cluster, 'the Job is gone', () =>
    getWork(client).then(
      () => false,
      () => true,
    ),
  );
  await client.create(
    jobs,
    work({ manualSelector: true, selector, template, parallelism: 2, completions: 2 }),
  );
  await stepped(cluster, 'the pods are adopted', async () =>
    (await podsIn(client)).every(
      ({ metadata }) => metadata.ownerReferences?.length === 1 && metadata.finalizers?.includes(tracking),
    ),
  );
  expect(await podsIn(client)).toHaveLength(2);
  await client.delete(jobs, { namespace: 'test', name: 'work' }, { propagationPolicy: 'Background' });
  await stepped(cluster, 'nothing is left', async () => (await podsIn(client)).length === 0);
});

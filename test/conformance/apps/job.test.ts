import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job, Pod } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import { jobs, pods } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, strategicPatch, unconditional } from '../support/requests.ts';
import { expectSubresource } from '../support/subresource.ts';
import { job, podsOf } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const at = (namespace: string) => `/apis/batch/v1/namespaces/${namespace}/jobs`;
const indexKey = 'batch.kubernetes.io/job-completion-index';

const create = (namespace: string, object: Job) =>
  plane.client.create(jobs, { ...object, metadata: { ...object.metadata, namespace } });

const read = (namespace: string, name: string) => plane.client.get(jobs, { namespace, name });

const trueTypes = ({ status }: Job) =>
  (status?.conditions ?? []).filter((condition) => condition.status === 'True').map(({ type }) => type);

function ended(namespace: string, name: string, as: 'Complete' | 'Failed'): Promise<Persisted<Job>> {
  return eventually(
    `${name} is ${as}`,
    async () => {
      const found = await read(namespace, name);
      return trueTypes(found).includes(as) && found;
    },
    { withinMs: 90_000 },
  );
}

function runningPods(namespace: string, count: number): Promise<Persisted<Pod>[]> {
  return eventually(`${count} pods run`, async () => {
    const found = (await podsOf(plane, namespace)).filter(
      ({ status, metadata }) => status?.phase === 'Running' && !metadata.deletionTimestamp,
    );
    return found.length === count && found;
  });
}

const lastCondition = ({ status }: Job) => status?.conditions?.at(-1);

test('Job should create pods for an Indexed job with completion indexes and specified hostname', async () => {
  const namespace = await plane.namespace();
  await create(namespace, job('indexed', 0, { completionMode: 'Indexed' }));
  const { status } = await ended(namespace, 'indexed', 'Complete');
  expect(status).toMatchObject({ completedIndexes: '0-3', succeeded: 4 });
  const all = await podsOf(plane, namespace);
  for (const { metadata, spec, status: of } of all.filter(({ status: one }) => one?.phase === 'Succeeded')) {
    const index = metadata.annotations?.[indexKey];
    expect(metadata.labels?.[indexKey]).toBe(index);
    expect(spec.hostname).toBe(`indexed-${index}`);
    expect(spec.containers[0]?.env).toContainEqual({
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexKey}']` } },
    });
    expect(of?.phase).toBe('Succeeded');
  }
  expect(new Set(all.map(({ metadata }) => metadata.annotations?.[indexKey])).size).toBe(4);
});

test('Job should allow to use the pod failure policy on exit code to fail the job early', async () => {
  const namespace = await plane.namespace();
  const onExitCodes = { operator: 'In', values: [42] };
  await create(
    namespace,
    job('early', 42, { backoffLimit: 6, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes }] } }),
  );
  const failed = await ended(namespace, 'early', 'Failed');
  expect(lastCondition(failed)).toMatchObject({ reason: 'PodFailurePolicy' });
  expect(lastCondition(failed)?.message).toContain(
    'failed with exit code 42 matching FailJob rule at index 0',
  );
});

test('Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition', async () => {
  const namespace = await plane.namespace();
  const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
  await create(
    namespace,
    job('disrupted', undefined, {
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions }] },
    }),
  );
  const [victim] = await runningPods(namespace, 1);
  const name = victim?.metadata.name ?? '';
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  // The kubelet reports how the pod ended before it lets it go.
  await plane.client.createSubresource<KubeObject, KubeObject>(
    pods,
    { namespace, name },
    'eviction',
    eviction,
  );
  await eventually('another pod runs', async () => {
    const found = await podsOf(plane, namespace);
    return found.some(
      ({ metadata, status }) =>
        metadata.name !== name && status?.phase === 'Running' && !metadata.deletionTimestamp,
    );
  });
  expect((await read(namespace, 'disrupted')).status?.failed).toBeUndefined();
  expect(trueTypes(await read(namespace, 'disrupted'))).toEqual([]);
});

test('Job should execute all indexes despite some failing when using backoffLimitPerIndex', async () => {
  const namespace = await plane.namespace();
  const exits = { 0: 0, 1: 1, 2: 0, 3: 1 };
  const spec = { completionMode: 'Indexed', parallelism: 4, backoffLimitPerIndex: 1 };
  await create(namespace, job('odd', exits, spec));
  const { status } = await ended(namespace, 'odd', 'Failed');
  expect(status).toMatchObject({ failedIndexes: '1,3', completedIndexes: '0,2', failed: 4, succeeded: 2 });
});

test('Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy', async () => {
  const namespace = await plane.namespace();
  const onExitCodes = { operator: 'In', values: [42] };
  await create(
    namespace,
    job(
      'at-once',
      { 0: 42, 1: 0 },
      {
        completionMode: 'Indexed',
        completions: 2,
        backoffLimitPerIndex: 3,
        podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes }] },
      },
    ),
  );
  const { status } = await ended(namespace, 'at-once', 'Failed');
  expect(status).toMatchObject({ failedIndexes: '0', completedIndexes: '1', failed: 1, succeeded: 1 });
});

test('Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes', async () => {
  const namespace = await plane.namespace();
  const spec = { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 0, maxFailedIndexes: 0 };
  // Index 1 runs on, until it is ended.
  await create(namespace, job('too-many', { 0: 1 }, spec));
  const failed = await ended(namespace, 'too-many', 'Failed');
  expect(failed.status).toMatchObject({ failedIndexes: '0', failed: 2 });
  expect(lastCondition(failed)).toMatchObject({ reason: 'MaxFailedIndexesExceeded' });
});

test.each([
  [
    'Job with successPolicy should succeeded when all indexes succeeded',
    { 0: 0, 1: 0 },
    '0-1',
    undefined,
    '0,1',
  ],
  [
    'Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending',
    { 0: 0 },
    '0',
    undefined,
    '0',
  ],
  [
    'Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending',
    { 1: 0 },
    undefined,
    1,
    '1',
  ],
])('%s', async (_, exits, succeededIndexes, succeededCount, completed) => {
  const namespace = await plane.namespace();
  const rules = [
    { ...(succeededIndexes && { succeededIndexes }), ...(succeededCount && { succeededCount }) },
  ];
  const spec = { completionMode: 'Indexed', completions: 2, successPolicy: { rules } };
  await create(namespace, job('led', exits, spec));
  const { status } = await ended(namespace, 'led', 'Complete');
  expect(status?.conditions).toMatchObject([
    { type: 'SuccessCriteriaMet', status: 'True', reason: 'SuccessPolicy' },
    { type: 'Complete', status: 'True', reason: 'SuccessPolicy' },
  ]);
  expect(status).toMatchObject({ completedIndexes: completed, ready: 0, terminating: 0 });
  expect(status?.active).toBeUndefined();
});

test('Job should adopt matching orphans and release non-matching pods', async () => {
  const namespace = await plane.namespace();
  const { metadata } = await create(namespace, job('adopting', undefined, { completions: 2 }));
  const [pod] = await runningPods(namespace, 2);
  const path = `/api/v1/namespaces/${namespace}/pods/${pod?.metadata.name}`;
  const isOwned = async () => {
    const { json } = await plane.call<Pod>('GET', path);
    return json.metadata.ownerReferences?.some(({ uid, controller }) => uid === metadata.uid && controller);
  };
  await plane.call('PATCH', path, { body: { metadata: { ownerReferences: null } }, contentType: mergePatch });
  await eventually('the orphan is adopted', isOwned);
  const labels = Object.fromEntries(Object.keys(pod?.metadata.labels ?? {}).map((key) => [key, null]));
  await plane.call('PATCH', path, { body: { metadata: { labels } }, contentType: strategicPatch });
  await eventually('the pod is released', async () => !(await isOwned()));
});

test('Job should delete a job', async () => {
  const namespace = await plane.namespace();
  await create(namespace, job('gone', undefined));
  await runningPods(namespace, 2);
  const deleted = await plane.call('DELETE', `${at(namespace)}/gone`, {
    body: { propagationPolicy: 'Background' },
  });
  expect(deleted.status).toBe(200);
  expect((await plane.call('GET', `${at(namespace)}/gone`)).status).toBe(404);
  await eventually('its pods are gone', async () => (await podsOf(plane, namespace)).length === 0);
});

test('Job should apply changes to a job status', async () => {
  const namespace = await plane.namespace();
  const { metadata } = await create(
    namespace,
    job('told', undefined, { managedBy: 'conformance.test/nobody' }),
  );
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: 'E2E',
    lastTransitionTime: metadata.creationTimestamp,
  });
  await expectSubresource(plane, `${at(namespace)}/told`, 'status', {
    patch: { startTime: metadata.creationTimestamp, conditions: [condition('CustomConditionType')] },
    update: { startTime: metadata.creationTimestamp, conditions: [condition('CustomConditionType2')] },
    spec: { parallelism: 9 },
  });
});

test('Job should manage the lifecycle of a job', async () => {
  const namespace = await plane.namespace();
  const labels = { 'e2e-job-label': 'lifecycle' };
  const suspended = job('lifecycle', 0, { suspend: true });
  await create(namespace, { ...suspended, metadata: { ...suspended.metadata, labels } });
  await eventually('it is suspended', async () =>
    trueTypes(await read(namespace, 'lifecycle')).includes('Suspended'),
  );
  const patched = await plane.call<Job>('PATCH', `${at(namespace)}/lifecycle`, {
    body: { metadata: { labels: { patched: 'true' } } },
    contentType: strategicPatch,
  });
  expect([patched.status, patched.json.metadata.labels?.['patched']]).toEqual([200, 'true']);
  const resumed = await plane.call<Job>('PUT', `${at(namespace)}/lifecycle`, {
    body: {
      ...unconditional(patched.json),
      metadata: { ...unconditional(patched.json).metadata, annotations: { updated: 'true' } },
      spec: { ...patched.json.spec, suspend: false },
    },
  });
  expect(resumed.status, resumed.text).toBe(200);
  await ended(namespace, 'lifecycle', 'Complete');
  const listed = await plane.call<{ items: Job[] }>('GET', '/apis/batch/v1/jobs', {
    query: { labelSelector: 'e2e-job-label=lifecycle' },
  });
  expect(listed.json.items).toHaveLength(1);
  await plane.call('DELETE', at(namespace), {
    query: { labelSelector: 'e2e-job-label=lifecycle', propagationPolicy: 'Background' },
  });
  await eventually('it is gone', async () => {
    const left = await plane.call<{ items: Job[] }>('GET', at(namespace));
    return left.json.items.length === 0;
  });
});

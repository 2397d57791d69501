import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReplicationController, Scale } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { pods, replicationControllers, resourceQuotas } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, unconditional } from '../support/requests.ts';
import { podsOf, readyPods, replicationController } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const at = (namespace: string) => `/api/v1/namespaces/${namespace}/replicationcontrollers`;

function create(namespace: string, object: ReplicationController): Promise<Persisted<ReplicationController>> {
  return plane.client.create(replicationControllers, {
    ...object,
    metadata: { ...object.metadata, namespace },
  });
}

function get(namespace: string): Promise<Persisted<ReplicationController>> {
  return plane.client.get(replicationControllers, { namespace, name: 'rc' });
}

test('ReplicationController should adopt matching pods on creation', async () => {
  const namespace = await plane.namespace();
  const spec = { containers: [{ name: 'web', image: 'web:1' }] };
  const orphan = await plane.client.create(pods, {
    metadata: { name: 'orphan', namespace, labels: { app: 'rc' } },
    spec,
  });
  const owner = await create(namespace, replicationController('rc', { replicas: 1 }));
  const adopted = await eventually('the adoption', async () => {
    const pod = await plane.client.get(pods, { namespace, name: 'orphan' });
    return pod.metadata.ownerReferences && pod;
  });
  expect(adopted.metadata.uid).toBe(orphan.metadata.uid);
  expect(adopted.metadata.ownerReferences).toEqual([
    {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      name: 'rc',
      uid: owner.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  await readyPods(plane, namespace, 1);
});

test('ReplicationController should release no longer matching pods', async () => {
  const namespace = await plane.namespace();
  await create(namespace, replicationController('rc', { replicas: 1 }));
  const [first] = await readyPods(plane, namespace, 1);
  const ref = { namespace, name: first?.metadata.name ?? '' };
  const patch = { metadata: { labels: { app: 'other' } } };
  await plane.client.patch(pods, ref, { type: 'strategic', patch });
  await eventually(
    'the release',
    async () => !(await plane.client.get(pods, ref)).metadata.ownerReferences?.length,
  );
  const [other] = await readyPods(plane, namespace, 1, 'app=rc');
  expect(other?.metadata.uid).not.toBe(first?.metadata.uid);
});

test('ReplicationController should get and update a ReplicationController scale', async () => {
  const namespace = await plane.namespace();
  await create(namespace, replicationController('rc', { replicas: 1 }));
  await readyPods(plane, namespace, 1);
  const path = `${at(namespace)}/rc/scale`;
  const read = await plane.call<Scale>('GET', path);
  expect([read.json.kind, read.json.spec?.replicas, read.json.status?.selector]).toEqual([
    'Scale',
    1,
    'app=rc',
  ]);
  const put = await plane.call<Scale>('PUT', path, {
    body: { ...unconditional(read.json), spec: { replicas: 2 } },
  });
  expect([put.status, put.json.spec?.replicas]).toEqual([200, 2]);
  expect((await get(namespace)).spec.replicas).toBe(2);
  await readyPods(plane, namespace, 2);
});

test('ReplicationController should surface a failure condition on a common issue like exceeded quota', async () => {
  const namespace = await plane.namespace();
  const quota = { namespace, name: 'condition-test' };
  await plane.client.create(resourceQuotas, { metadata: quota, spec: { hard: { pods: '2' } } });
  await eventually('the quota to be counted', async () => {
    const { status } = await plane.client.get(resourceQuotas, quota);
    return status?.hard?.['pods'] === '2';
  });
  await create(namespace, replicationController('rc', { replicas: 3 }));
  const condition = await eventually('a condition', async () => {
    const { status } = await get(namespace);
    return status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  });
  expect([condition.status, condition.reason]).toEqual(['True', 'FailedCreate']);
  expect(condition.message).toContain('exceeded quota: condition-test');
  const patch = { spec: { replicas: 2 } };
  await plane.client.patch(replicationControllers, { namespace, name: 'rc' }, { type: 'merge', patch });
  await eventually('it to go', async () => {
    const { metadata, status } = await get(namespace);
    return status?.observedGeneration === metadata.generation && !status?.conditions?.length;
  });
  expect(await podsOf(plane, namespace)).toHaveLength(2);
});

test('ReplicationController should test the lifecycle of a ReplicationController', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'test-rc-static=true' };
  const watch = await plane.watch<ReplicationController>(at(namespace), query);
  const made = replicationController('rc', { replicas: 1 });
  await create(namespace, { ...made, metadata: { ...made.metadata, labels: { 'test-rc-static': 'true' } } });
  await watch.next('ADDED');
  await watch.next('MODIFIED', ({ status }) => status?.readyReplicas === 1);
  const path = `${at(namespace)}/rc`;
  const patched = await plane.call<ReplicationController>('PATCH', path, {
    body: { metadata: { labels: { 'test-rc': 'patched' } } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.metadata.labels?.['test-rc']]).toEqual([200, 'patched']);
  await watch.next('MODIFIED', ({ metadata }) => metadata.labels?.['test-rc'] === 'patched');
  const status = { readyReplicas: 0, availableReplicas: 0 };
  const noted = await plane.call<ReplicationController>('PATCH', `${path}/status`, {
    body: { status },
    contentType: mergePatch,
  });
  expect([noted.status, noted.json.status?.readyReplicas ?? 0]).toEqual([200, 0]);
  const read = await plane.call<ReplicationController>('GET', `${path}/status`);
  expect(read.status).toBe(200);
  const scale = await plane.call<Scale>('PATCH', `${path}/scale`, {
    body: { spec: { replicas: 2 } },
    contentType: mergePatch,
  });
  expect([scale.status, scale.json.spec?.replicas]).toEqual([200, 2]);
  await watch.next('MODIFIED', ({ status: now }) => now?.readyReplicas === 2);
  const list = await plane.call<{ items: ReplicationController[] }>('GET', '/api/v1/replicationcontrollers', {
    query,
  });
  expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual(['rc']);
  const current = await plane.call<ReplicationController>('GET', path);
  const put = await plane.call<ReplicationController>('PUT', path, {
    body: { ...unconditional(current.json), spec: { ...current.json.spec, minReadySeconds: 1 } },
  });
  expect([put.status, put.json.spec.minReadySeconds]).toEqual([200, 1]);
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  await watch.next('DELETED');
  expect((await plane.call('GET', path)).status).toBe(404);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReplicaSet, Scale } from '../../../lib/api/gen/types.ts';
import { pods, replicaSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, strategicPatch, unconditional } from '../support/requests.ts';
import { readyPods, replicaSet } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const at = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/replicasets`;

function create(namespace: string, object: ReplicaSet) {
  return plane.client.create(replicaSets, { ...object, metadata: { ...object.metadata, namespace } });
}

test('ReplicaSet Replace and Patch tests', async () => {
  const namespace = await plane.namespace();
  const made = await create(namespace, replicaSet('web', { replicas: 1 }));
  await readyPods(plane, namespace, 1);
  const { resourceVersion: _, ...metadata } = made.metadata;
  const replaced = await plane.call<ReplicaSet>('PUT', `${at(namespace)}/web`, {
    body: { ...made, metadata, spec: { ...made.spec, replicas: 2 } },
  });
  expect([replaced.status, replaced.json.spec.replicas]).toEqual([200, 2]);
  await readyPods(plane, namespace, 2);
  const patched = await plane.call<ReplicaSet>('PATCH', `${at(namespace)}/web`, {
    body: {
      metadata: { labels: { 'test-rs': 'patched' } },
      spec: {
        replicas: 3,
        template: {
          metadata: { labels: { 'test-rs': 'patched' } },
          spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image: 'web:2' }] },
        },
      },
    },
    contentType: strategicPatch,
  });
  expect(patched.status, patched.text).toBe(200);
  expect(patched.json.metadata.labels?.['test-rs']).toBe('patched');
  expect(patched.json.spec.template?.spec).toMatchObject({
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'web', image: 'web:2' }],
  });
  const now = await readyPods(plane, namespace, 3);
  expect(now.filter(({ spec }) => spec.containers[0]?.image === 'web:2')).toHaveLength(1);
});

test('ReplicaSet should have a working scale subresource', async () => {
  const namespace = await plane.namespace();
  await create(namespace, replicaSet('web', { replicas: 1 }));
  await readyPods(plane, namespace, 1);
  const path = `${at(namespace)}/web/scale`;
  const read = await plane.call<Scale>('GET', path);
  expect([read.json.kind, read.json.spec?.replicas, read.json.status?.selector]).toEqual([
    'Scale',
    1,
    'app=web',
  ]);
  const put = await plane.call<Scale>('PUT', path, {
    body: { ...unconditional(read.json), spec: { replicas: 2 } },
  });
  expect([put.status, put.json.spec?.replicas]).toEqual([200, 2]);
  await readyPods(plane, namespace, 2);
  const patched = await plane.call<Scale>('PATCH', path, {
    body: { spec: { replicas: 4 } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.spec?.replicas]).toEqual([200, 4]);
  await readyPods(plane, namespace, 4);
});

test('ReplicaSet should adopt matching pods on creation and release no longer matching pods', async () => {
  const namespace = await plane.namespace();
  const labels = { app: 'adoption' };
  const spec = { containers: [{ name: 'web', image: 'web:1' }] };
  const orphan = await plane.client.create(pods, { metadata: { name: 'orphan', namespace, labels }, spec });
  const set = await create(namespace, replicaSet('adoption', { replicas: 1 }));
  const ref = { namespace, name: 'orphan' };
  const adopted = await eventually('the adoption', async () => {
    const pod = await plane.client.get(pods, ref);
    return pod.metadata.ownerReferences && pod;
  });
  expect(adopted.metadata.uid).toBe(orphan.metadata.uid);
  expect(adopted.metadata.ownerReferences).toEqual([
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'adoption',
      uid: set.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
  await readyPods(plane, namespace, 1, 'app=adoption');
  const patch = { metadata: { labels: { app: 'other' } } };
  await plane.client.patch(pods, ref, { type: 'strategic', patch });
  await eventually(
    'the release',
    async () => !(await plane.client.get(pods, ref)).metadata.ownerReferences?.length,
  );
  const [other] = await readyPods(plane, namespace, 1, 'app=adoption');
  expect(other?.metadata.uid).not.toBe(orphan.metadata.uid);
});

test('ReplicaSet should list and delete a collection of ReplicaSets', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'name=collection' };
  const made = replicaSet('web', { replicas: 3 });
  await create(namespace, { ...made, metadata: { ...made.metadata, labels: { name: 'collection' } } });
  await create(namespace, replicaSet('stays', { replicas: 1 }));
  await readyPods(plane, namespace, 4);
  const list = await plane.call<{ items: ReplicaSet[] }>('GET', '/apis/apps/v1/replicasets', { query });
  expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual(['web']);
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  const left = await eventually('one replica set', async () => {
    const { json } = await plane.call<{ items: ReplicaSet[] }>('GET', at(namespace));
    return json.items.length === 1 && json.items;
  });
  expect(left[0]?.metadata.name).toBe('stays');
  await readyPods(plane, namespace, 1);
});

test('ReplicaSet should validate Replicaset Status endpoints', async () => {
  const namespace = await plane.namespace();
  await create(namespace, replicaSet('web', { replicas: 1 }));
  const path = `${at(namespace)}/web/status`;
  const read = await eventually('a settled status', async () => {
    const { json } = await plane.call<ReplicaSet>('GET', path);
    return json.status?.availableReplicas === 1 && json;
  });
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from a test' };
  const put = await plane.call<ReplicaSet>('PUT', path, {
    body: {
      ...unconditional(read),
      spec: { ...read.spec, replicas: 9 },
      status: { ...read.status, conditions: [condition] },
    },
  });
  expect(put.status, put.text).toBe(200);
  expect(put.json.status?.conditions).toEqual([expect.objectContaining(condition)]);
  expect(put.json.spec.replicas).toBe(1);
  const patched = await plane.call<ReplicaSet>('PATCH', path, {
    body: { status: { conditions: [{ ...condition, type: 'StatusPatched' }] } },
    contentType: mergePatch,
  });
  expect(patched.json.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  const after = await plane.client.get(replicaSets, { namespace, name: 'web' });
  expect(after.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
});

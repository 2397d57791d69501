import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Deployment, Scale } from '../../../lib/api/gen/types.ts';
import { deployments, replicaSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, strategicPatch, unconditional } from '../support/requests.ts';
import { unready } from '../support/simulated-node.ts';
import {
  deployment,
  podsOf,
  readyPods,
  replicaSet,
  replicaSetsOf,
  rolledOut,
  template,
} from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const revisionOf = ({ metadata }: { metadata: { annotations?: Record<string, string> } }) =>
  metadata.annotations?.['deployment.kubernetes.io/revision'];
const at = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`;

async function create(namespace: string, object: Deployment): Promise<void> {
  await plane.client.create(deployments, { ...object, metadata: { ...object.metadata, namespace } });
}

async function setImage(namespace: string, name: string, image: string, annotations = {}): Promise<void> {
  const spec = { template: { metadata: { annotations }, spec: { containers: [{ name: 'web', image }] } } };
  await plane.client.patch(deployments, { namespace, name }, { type: 'strategic', patch: { spec } });
}

test('Deployment should have a working scale subresource', async () => {
  const namespace = await plane.namespace();
  await create(namespace, deployment('web', { replicas: 1 }));
  await readyPods(plane, namespace, 1);
  const path = `${at(namespace)}/web/scale`;
  const read = await plane.call<Scale>('GET', path);
  expect([read.json.kind, read.json.apiVersion, read.json.spec?.replicas]).toEqual([
    'Scale',
    'autoscaling/v1',
    1,
  ]);
  const put = await plane.call<Scale>('PUT', path, {
    body: { ...unconditional(read.json), spec: { replicas: 2 } },
  });
  expect([put.status, put.json.spec?.replicas]).toEqual([200, 2]);
  expect((await plane.client.get(deployments, { namespace, name: 'web' })).spec.replicas).toBe(2);
  await readyPods(plane, namespace, 2);
  const patched = await plane.call<Scale>('PATCH', path, {
    body: { spec: { replicas: 4 } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.spec?.replicas]).toEqual([200, 4]);
  await readyPods(plane, namespace, 4);
  const scale = await plane.call<Scale>('GET', path);
  expect(scale.json.status?.selector).toBe('app=web');
});

test('Deployment RecreateDeployment should delete old pods and create new ones', async () => {
  const namespace = await plane.namespace();
  await create(namespace, deployment('web', { replicas: 2, strategy: { type: 'Recreate' } }));
  await readyPods(plane, namespace, 2);
  const watch = await plane.watch<{
    metadata: { uid: string };
    spec: { containers: { image: string }[] };
  }>(`/api/v1/namespaces/${namespace}/pods`);
  await setImage(namespace, 'web', 'web:2');
  await rolledOut(plane, namespace, 'web');
  const now = await readyPods(plane, namespace, 2);
  expect(now.map(({ spec }) => spec.containers[0]?.image)).toEqual(['web:2', 'web:2']);
  await watch.next('ADDED', ({ spec }) => spec.containers[0]?.image === 'web:2');
  const living = new Map<string, string>();
  for (const { type, object } of watch.events) {
    if (type === 'DELETED') living.delete(object.metadata.uid);
    else living.set(object.metadata.uid, object.spec.containers[0]?.image ?? '');
    expect(new Set(living.values()).size).toBeLessThanOrEqual(1);
  }
});

test('Deployment RollingUpdateDeployment should delete old pods and create new ones', async () => {
  const namespace = await plane.namespace();
  const labels = { app: 'web' };
  const own = replicaSet('adopted', {
    replicas: 1,
    selector: { matchLabels: labels },
    template: template(labels, 'web:0'),
  });
  const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
  const old = await plane.client.create(replicaSets, {
    ...own,
    metadata: { ...own.metadata, namespace, labels, annotations },
  });
  const [oldPod] = await readyPods(plane, namespace, 1);
  await create(namespace, deployment('web', { replicas: 1 }));
  const done = await rolledOut(plane, namespace, 'web');
  expect(revisionOf(done)).toBe('3546343826724305833');
  const now = await readyPods(plane, namespace, 1);
  expect(now[0]?.metadata.uid).not.toBe(oldPod?.metadata.uid);
  const sets = await replicaSetsOf(plane, namespace);
  expect(sets).toHaveLength(2);
  const adopted = sets.find(({ metadata }) => metadata.uid === old.metadata.uid);
  expect(adopted?.metadata.ownerReferences?.[0]?.uid).toBe(done.metadata.uid);
  expect(adopted?.spec.replicas).toBe(0);
});

test('Deployment should delete old replica sets', async () => {
  const namespace = await plane.namespace();
  await create(namespace, deployment('web', { replicas: 1, revisionHistoryLimit: 0 }));
  await rolledOut(plane, namespace, 'web');
  const [first] = await replicaSetsOf(plane, namespace);
  await setImage(namespace, 'web', 'web:2');
  await rolledOut(plane, namespace, 'web');
  const left = await eventually('one replica set', async () => {
    const sets = await replicaSetsOf(plane, namespace);
    return sets.length === 1 && sets;
  });
  expect(left[0]?.metadata.uid).not.toBe(first?.metadata.uid);
  expect(left[0]?.spec.template?.spec?.containers[0]?.image).toBe('web:2');
});

test('Deployment should support rollover', async () => {
  const namespace = await plane.namespace();
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
  await create(namespace, deployment('web', { replicas: 1, strategy }));
  await rolledOut(plane, namespace, 'web');
  await setImage(namespace, 'web', 'web:stuck', { [unready]: 'true' });
  await eventually('the stuck rollout has a pod', async () =>
    (await podsOf(plane, namespace)).some(({ spec }) => spec.containers[0]?.image === 'web:stuck'),
  );
  const stuck = await plane.client.get(deployments, { namespace, name: 'web' });
  expect(stuck.spec.replicas).toBe(1);
  await setImage(namespace, 'web', 'web:3', { [unready]: null });
  await rolledOut(plane, namespace, 'web');
  const now = await readyPods(plane, namespace, 1);
  expect(now[0]?.spec.containers[0]?.image).toBe('web:3');
  const sizes = (await replicaSetsOf(plane, namespace)).map(({ spec }) => [
    spec.template?.spec?.containers[0]?.image,
    spec.replicas,
  ]);
  expect(Object.fromEntries(sizes)).toEqual({ 'web:1': 0, 'web:3': 1, 'web:stuck': 0 });
});

test('Deployment should support proportional scaling', async () => {
  const namespace = await plane.namespace();
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  await create(namespace, deployment('web', { replicas: 10, strategy }));
  await rolledOut(plane, namespace, 'web');
  await setImage(namespace, 'web', 'web:stuck', { [unready]: 'true' });
  const sizes = async () => {
    const sets = await replicaSetsOf(plane, namespace);
    return Object.fromEntries(
      sets.map(({ spec }) => [spec.template?.spec?.containers[0]?.image, spec.replicas]),
    );
  };
  await eventually('8 old and 5 new', async () => {
    const { 'web:1': before, 'web:stuck': after } = await sizes();
    return before === 8 && after === 5;
  });
  const patch = { spec: { replicas: 30 } };
  await plane.client.patch(deployments, { namespace, name: 'web' }, { type: 'merge', patch });
  await eventually('20 old and 13 new', async () => {
    const { 'web:1': before, 'web:stuck': after } = await sizes();
    return before === 20 && after === 13;
  });
});

test('Deployment should run the lifecycle of a Deployment', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'test-deployment-static=true' };
  const watch = await plane.watch<Deployment>(at(namespace), query);
  const labels = { 'test-deployment-static': 'true' };
  const made = deployment('web', { replicas: 1 });
  await create(namespace, { ...made, metadata: { ...made.metadata, labels } });
  await watch.next('ADDED');
  await watch.next('MODIFIED', ({ status }) => status?.availableReplicas === 1);
  const path = `${at(namespace)}/web`;
  const patched = await plane.call<Deployment>('PATCH', path, {
    body: {
      metadata: { labels: { 'test-deployment': 'patched' } },
      spec: { replicas: 2, template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
    },
    contentType: strategicPatch,
  });
  expect(patched.status).toBe(200);
  await watch.next(
    'MODIFIED',
    ({ metadata, status }) =>
      metadata.labels?.['test-deployment'] === 'patched' && status?.availableReplicas === 2,
  );
  const list = await plane.call<{ items: Deployment[] }>('GET', '/apis/apps/v1/deployments', { query });
  expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual(['web']);
  await rolledOut(plane, namespace, 'web');
  const read = await plane.call<Deployment>('GET', `${path}/status`);
  expect(read.json.status?.readyReplicas).toBe(2);
  const condition = { type: 'Tested', status: 'True', reason: 'Conformance', message: 'by a test' };
  const put = await plane.call<Deployment>('PUT', `${path}/status`, {
    body: {
      ...unconditional(read.json),
      status: { ...read.json.status, conditions: [...(read.json.status?.conditions ?? []), condition] },
    },
  });
  expect(put.json.status?.conditions).toContainEqual(expect.objectContaining(condition));
  await watch.next('MODIFIED', ({ status }) => !!status?.conditions?.some(({ type }) => type === 'Tested'));
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  await watch.next('DELETED');
  expect((await plane.call('GET', path)).status).toBe(404);
});

test('Deployment should validate Deployment Status endpoints', async () => {
  const namespace = await plane.namespace();
  await create(namespace, deployment('web', { replicas: 1 }));
  const settled = await rolledOut(plane, namespace, 'web');
  const path = `${at(namespace)}/web/status`;
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from a test' };
  const read = await plane.call<Deployment>('GET', path);
  expect(read.json.status?.replicas).toBe(1);
  const put = await plane.call<Deployment>('PUT', path, {
    body: {
      ...unconditional(read.json),
      spec: { ...read.json.spec, replicas: 7 },
      status: { ...read.json.status, conditions: [...(read.json.status?.conditions ?? []), condition] },
    },
  });
  expect(put.status, put.text).toBe(200);
  expect(put.json.status?.conditions).toContainEqual(expect.objectContaining(condition));
  expect([put.json.spec.replicas, put.json.metadata.generation]).toEqual([1, settled.metadata.generation]);
  const patched = await plane.call<Deployment>('PATCH', path, {
    body: { status: { conditions: [{ ...condition, type: 'StatusPatched' }] } },
    contentType: mergePatch,
  });
  expect(patched.json.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  const after = await plane.client.get(deployments, { namespace, name: 'web' });
  expect(after.status?.conditions?.map(({ type }) => type)).toContain('StatusPatched');
});

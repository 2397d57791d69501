import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Namespace, Pod } from '../../../lib/api/gen/types.ts';
import { deployments, namespaces, pods, replicaSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { deployment, podsOf, readyPods, replicaSetsOf, rolledOut } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 1 });
});
afterAll(() => plane.close());

const spec = { containers: [{ name: 'web', image: 'web:1' }] };
const gone = (path: string) =>
  eventually(`${path} is gone`, async () => (await plane.call('GET', path)).status === 404);

async function rollOut(namespace: string): Promise<void> {
  const made = deployment('web', { replicas: 2 });
  await plane.client.create(deployments, { ...made, metadata: { ...made.metadata, namespace } });
  await rolledOut(plane, namespace, 'web');
}

test('Garbage collector should delete RS created by deployment when not orphaning', async () => {
  const namespace = await plane.namespace();
  await rollOut(namespace);
  expect(await replicaSetsOf(plane, namespace)).toHaveLength(1);
  await plane.client.delete(deployments, { namespace, name: 'web' }, { propagationPolicy: 'Background' });
  await eventually('neither replica sets nor pods', async () => {
    return (await replicaSetsOf(plane, namespace)).length + (await podsOf(plane, namespace)).length === 0;
  });
});

test('Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan', async () => {
  const namespace = await plane.namespace();
  await rollOut(namespace);
  const [before] = await replicaSetsOf(plane, namespace);
  expect(before?.metadata.ownerReferences?.[0]?.kind).toBe('Deployment');
  await plane.client.delete(deployments, { namespace, name: 'web' }, { propagationPolicy: 'Orphan' });
  await gone(`/apis/apps/v1/namespaces/${namespace}/deployments/web`);
  const [after] = await replicaSetsOf(plane, namespace);
  expect(after?.metadata.uid).toBe(before?.metadata.uid);
  expect(after?.metadata.ownerReferences ?? []).toEqual([]);
  expect(after?.metadata.deletionTimestamp).toBeUndefined();
  await readyPods(plane, namespace, 2);
});

test('Garbage collector should not be blocked by dependency circle', async () => {
  const namespace = await plane.namespace();
  const names = ['pod1', 'pod2', 'pod3'];
  const made = new Map<string, string>();
  for (const name of names) {
    made.set(name, (await plane.client.create(pods, { metadata: { name, namespace }, spec })).metadata.uid);
  }
  for (const [index, name] of names.entries()) {
    const owner = names[(index + 2) % 3] ?? '';
    const reference = {
      apiVersion: 'v1',
      kind: 'Pod',
      name: owner,
      uid: made.get(owner),
      controller: true,
      blockOwnerDeletion: true,
    };
    const patch = { metadata: { ownerReferences: [reference] } };
    await plane.client.patch(pods, { namespace, name }, { type: 'merge', patch });
  }
  await plane.client.delete(pods, { namespace, name: 'pod1' }, { propagationPolicy: 'Foreground' });
  await eventually('an empty circle', async () => (await podsOf(plane, namespace)).length === 0);
});

test("Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted", async () => {
  const namespace = await plane.namespace();
  const owner = async (name: string, matchLabels: Record<string, string>) =>
    plane.client.create(replicaSets, {
      metadata: { name, namespace },
      spec: { replicas: 0, selector: { matchLabels }, template: { metadata: { labels: matchLabels }, spec } },
    });
  const dying = await owner('dying', { app: 'dying' });
  const stays = await owner('stays', { app: 'stays' });
  const reference = ({ metadata: { name, uid } }: typeof dying) => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name,
    uid,
    blockOwnerDeletion: true,
  });
  for (const number of [0, 1, 2, 3]) {
    const ownerReferences = number % 2 ? [reference(dying)] : [reference(dying), reference(stays)];
    await plane.client.create(pods, {
      metadata: { name: `pod-${number}`, namespace, ownerReferences },
      spec,
    });
  }
  await readyPods(plane, namespace, 4);
  await plane.client.delete(replicaSets, { namespace, name: 'dying' }, { propagationPolicy: 'Foreground' });
  await gone(`/apis/apps/v1/namespaces/${namespace}/replicasets/dying`);
  const left = await podsOf(plane, namespace);
  expect(left.map(({ metadata }) => metadata.name)).toEqual(['pod-0', 'pod-2']);
  for (const { metadata } of left) {
    expect(metadata.deletionTimestamp).toBeUndefined();
    expect(metadata.ownerReferences?.map(({ name }) => name)).toEqual(['stays']);
  }
});

test('Namespaces should ensure that all pods are removed when a namespace is deleted', async () => {
  const namespace = await plane.namespace();
  await plane.client.create(pods, { metadata: { name: 'test-pod', namespace }, spec });
  await readyPods(plane, namespace, 1);
  await plane.client.delete(namespaces, { name: namespace });
  await gone(`/api/v1/namespaces/${namespace}`);
  await plane.client.create(namespaces, { metadata: { name: namespace }, spec: {} });
  expect(await podsOf(plane, namespace)).toEqual([]);
});

test('Namespaces should ensure that all services are removed when a namespace is deleted', async () => {
  const namespace = await plane.namespace();
  const path = `/api/v1/namespaces/${namespace}/services`;
  const body = { metadata: { name: 'test-service' }, spec: { ports: [{ port: 80 }] } };
  expect((await plane.call('POST', path, { body })).status).toBe(201);
  await plane.client.delete(namespaces, { name: namespace });
  await gone(`/api/v1/namespaces/${namespace}`);
  await plane.client.create(namespaces, { metadata: { name: namespace }, spec: {} });
  expect((await plane.call<{ items: object[] }>('GET', path)).json.items).toEqual([]);
});

test('OrderedNamespaceDeletion namespace deletion should delete pod first', async () => {
  const namespace = await plane.namespace();
  const finalizers = ['conformance.test/hold'];
  await plane.client.create(pods, { metadata: { name: 'held', namespace, finalizers }, spec });
  await readyPods(plane, namespace, 1);
  const map = `/api/v1/namespaces/${namespace}/configmaps`;
  await plane.call('POST', map, { body: { metadata: { name: 'later' } } });
  await plane.client.delete(namespaces, { name: namespace });
  const status = await eventually('the conditions of the deletion', async () => {
    const { json } = await plane.call<Namespace>('GET', `/api/v1/namespaces/${namespace}`);
    const type = 'NamespaceFinalizersRemaining';
    return (
      json.status?.conditions?.some((each) => each.type === type && each.status === 'True') && json.status
    );
  });
  expect(status.phase).toBe('Terminating');
  const condition = (type: string) => status.conditions?.find((each) => each.type === type);
  expect(condition('NamespaceContentRemaining')).toMatchObject({
    status: 'True',
    reason: 'SomeResourcesRemain',
  });
  expect(condition('NamespaceContentRemaining')?.message).toContain('pods. has 1 resource instances');
  expect(condition('NamespaceFinalizersRemaining')?.message).toContain(
    'conformance.test/hold in 1 resource instances',
  );
  const { json: pod } = await plane.call<Pod>('GET', `/api/v1/namespaces/${namespace}/pods/held`);
  expect(pod.metadata.deletionTimestamp).toBeDefined();
  const later = await plane.call<Pod>('GET', `${map}/later`);
  expect([later.status, later.json.metadata.deletionTimestamp]).toEqual([200, undefined]);
  const patch = { metadata: { finalizers: null } };
  await plane.client.patch(pods, { namespace, name: 'held' }, { type: 'merge', patch });
  await gone(`/api/v1/namespaces/${namespace}`);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControllerRevision, DaemonSet, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { controllerRevisions, daemonSets, nodes, pods } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, unconditional } from '../support/requests.ts';
import { unready } from '../support/simulated-node.ts';
import { daemonSet, isReady, podsOf } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 3 });
});
afterAll(() => plane.close());

const nodeNames = ['node-1', 'node-2', 'node-3'];
const at = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/daemonsets`;
const imageOf = ({ spec }: Pod) => spec.containers[0]?.image;
const hashOf = ({ metadata }: Pod) => metadata.labels?.['controller-revision-hash'];

function create(namespace: string, object: DaemonSet): Promise<Persisted<DaemonSet>> {
  return plane.client.create(daemonSets, { ...object, metadata: { ...object.metadata, namespace } });
}

function get(namespace: string): Promise<Persisted<DaemonSet>> {
  return plane.client.get(daemonSets, { namespace, name: 'ds' });
}

function setImage(namespace: string, image: string, annotations: object = {}): Promise<Persisted<DaemonSet>> {
  const spec = { template: { metadata: { annotations }, spec: { containers: [{ name: 'web', image }] } } };
  return plane.client.patch(daemonSets, { namespace, name: 'ds' }, { type: 'strategic', patch: { spec } });
}

/** Waits until exactly these nodes have a ready pod each. */
function runningOn(namespace: string, wanted: readonly string[], image = 'web:1'): Promise<Persisted<Pod>[]> {
  return eventually(`pods on ${wanted.join() || 'no node'}`, async () => {
    const found = await podsOf(plane, namespace);
    const places = found.map(({ spec }) => spec.nodeName ?? '').sort();
    const fits = found.every((pod) => isReady(pod) && imageOf(pod) === image);
    return fits && places.join() === wanted.join() && found;
  });
}

test('Daemon set should run and stop simple daemon', async () => {
  const namespace = await plane.namespace();
  await create(namespace, daemonSet('ds'));
  const [first] = await runningOn(namespace, nodeNames);
  await plane.client.delete(pods, { namespace, name: first?.metadata.name ?? '' });
  await eventually('another in its place', async () => {
    const found = await podsOf(plane, namespace);
    const isNew = found.every(({ metadata }) => metadata.uid !== first?.metadata.uid);
    return isNew && found.length === nodeNames.length;
  });
  await runningOn(namespace, nodeNames);
  await plane.client.delete(daemonSets, { namespace, name: 'ds' });
  await runningOn(namespace, []);
});

test('Daemon set should run and stop complex daemon', async () => {
  const namespace = await plane.namespace();
  const key = 'daemonset-color';
  const paint = (name: string, color: string | null) =>
    plane.client.patch(nodes, { name }, { type: 'merge', patch: { metadata: { labels: { [key]: color } } } });
  const set = daemonSet('ds');
  const selecting = (color: string) => ({
    ...set.spec.template,
    spec: { ...set.spec.template.spec, nodeSelector: { [key]: color } },
  });
  await create(namespace, { ...set, spec: { ...set.spec, template: selecting('blue') } });
  await eventually('it to be seen', async () => (await get(namespace)).status?.observedGeneration === 1);
  expect(await podsOf(plane, namespace)).toEqual([]);
  await paint('node-2', 'blue');
  await runningOn(namespace, ['node-2']);
  await paint('node-2', 'green');
  await runningOn(namespace, []);
  const patch = { spec: { template: selecting('green'), updateStrategy: { type: 'RollingUpdate' } } };
  await plane.client.patch(daemonSets, { namespace, name: 'ds' }, { type: 'merge', patch });
  await runningOn(namespace, ['node-2']);
  await paint('node-2', null);
  await runningOn(namespace, []);
});

test('Daemon set should retry creating failed daemon pods', async () => {
  const namespace = await plane.namespace();
  await create(namespace, daemonSet('ds'));
  const [first] = await runningOn(namespace, nodeNames);
  const name = first?.metadata.name ?? '';
  const patch = { status: { phase: 'Failed' } };
  await plane.client.patch(
    pods,
    { namespace, name },
    { type: 'strategic', patch },
    { subresource: 'status' },
  );
  await eventually('the failed pod to go', async () =>
    (await podsOf(plane, namespace)).every(({ metadata }) => metadata.uid !== first?.metadata.uid),
  );
  await runningOn(namespace, nodeNames);
});

test('Daemon set should update pod when spec was updated and update strategy is RollingUpdate', async () => {
  const namespace = await plane.namespace();
  await create(namespace, daemonSet('ds'));
  const before = await runningOn(namespace, nodeNames);
  await setImage(namespace, 'web:2');
  const after = await runningOn(namespace, nodeNames, 'web:2');
  const hashes = new Set(after.map(hashOf));
  expect(hashes.size).toBe(1);
  expect(hashes.has(hashOf(before[0] as Pod))).toBe(false);
  const { items } = await plane.client.list(controllerRevisions, { namespace });
  const newest = items.toSorted((a, b) => b.revision - a.revision)[0];
  expect([newest?.revision, newest?.metadata.labels?.['controller-revision-hash']]).toEqual([
    2,
    [...hashes][0],
  ]);
});

test('Daemon set should rollback without unnecessary restarts', async () => {
  const namespace = await plane.namespace();
  await create(namespace, daemonSet('ds'));
  await runningOn(namespace, nodeNames);
  await setImage(namespace, 'foo:non-existent', { [unready]: 'true' });
  const broken = await eventually('a pod that does not come up', async () =>
    (await podsOf(plane, namespace)).find((pod) => imageOf(pod) === 'foo:non-existent' && !isReady(pod)),
  );
  const kept = (await podsOf(plane, namespace)).filter((pod) => imageOf(pod) === 'web:1');
  expect(kept).toHaveLength(nodeNames.length - 1);
  await setImage(namespace, 'web:1', { [unready]: null });
  const now = (await runningOn(namespace, nodeNames)).map(({ metadata }) => metadata.uid);
  expect(now).toEqual(expect.arrayContaining(kept.map(({ metadata }) => metadata.uid)));
  expect(now).not.toContain(broken.metadata.uid);
});

test('Daemon set should list and delete a collection of DaemonSets', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'e2e=collection' };
  const made = daemonSet('ds');
  await create(namespace, { ...made, metadata: { ...made.metadata, labels: { e2e: 'collection' } } });
  await runningOn(namespace, nodeNames);
  const list = await plane.call<{ items: DaemonSet[] }>('GET', '/apis/apps/v1/daemonsets', { query });
  expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual(['ds']);
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  await eventually('none', async () => (await plane.call('GET', `${at(namespace)}/ds`)).status === 404);
  await runningOn(namespace, []);
});

test('Daemon set should verify changes to a daemon set status', async () => {
  const namespace = await plane.namespace();
  await create(namespace, daemonSet('ds'));
  await eventually('a settled status', async () => (await get(namespace)).status?.numberAvailable === 3);
  const path = `${at(namespace)}/ds/status`;
  const read = await plane.call<DaemonSet>('GET', path);
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from a test' };
  const put = await plane.call<DaemonSet>('PUT', path, {
    body: {
      ...unconditional(read.json),
      spec: { ...read.json.spec, minReadySeconds: 9 },
      status: { ...read.json.status, conditions: [condition] },
    },
  });
  expect(put.status, put.text).toBe(200);
  expect(put.json.status?.conditions).toEqual([expect.objectContaining(condition)]);
  expect(put.json.spec.minReadySeconds).toBeUndefined();
  const patched = await plane.call<DaemonSet>('PATCH', path, {
    body: { status: { conditions: [{ ...condition, type: 'StatusPatched' }] } },
    contentType: mergePatch,
  });
  expect(patched.json.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  expect((await get(namespace)).status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
});

test('ControllerRevision should manage the lifecycle of a ControllerRevision', async () => {
  const namespace = await plane.namespace();
  const path = `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`;
  await create(namespace, daemonSet('ds'));
  await runningOn(namespace, nodeNames);
  const query = { labelSelector: 'app=ds' };
  const listed = async () =>
    (await plane.call<{ items: ControllerRevision[] }>('GET', path, { query })).json.items;
  const [initial] = await listed();
  const name = initial?.metadata.name ?? '';
  expect(initial?.revision).toBe(1);
  const patched = await plane.call<ControllerRevision>('PATCH', `${path}/${name}`, {
    body: { metadata: { labels: { [name]: 'patched' } } },
    contentType: mergePatch,
  });
  expect(patched.json.metadata.labels?.[name]).toBe('patched');
  const own = { ...initial?.metadata, name: `${name}-copy`, uid: undefined, resourceVersion: undefined };
  const made = await plane.call<ControllerRevision>('POST', path, {
    body: { metadata: { ...own, ownerReferences: [] }, data: initial?.data, revision: 2 },
  });
  expect(made.status, made.text).toBe(201);
  const changed = await plane.call('PUT', `${path}/${name}-copy`, {
    body: { ...made.json, data: { other: true } },
  });
  expect(changed.status).toBe(422);
  expect((await plane.call('DELETE', `${path}/${name}-copy`)).status).toBe(200);
  await setImage(namespace, 'web:2');
  await runningOn(namespace, nodeNames, 'web:2');
  const numbers = async () => (await listed()).map(({ revision }) => revision);
  const before = await eventually('a second revision', async () => {
    const found = await numbers();
    return found.length === 2 && Math.max(...found);
  });
  await setImage(namespace, 'web:3');
  await runningOn(namespace, nodeNames, 'web:3');
  expect(Math.max(...(await numbers()))).toBe(before + 1);
  const everywhere = await plane.call<{ items: ControllerRevision[] }>(
    'GET',
    '/apis/apps/v1/controllerrevisions',
    { query },
  );
  expect(everywhere.json.items.length).toBeGreaterThanOrEqual(3);
  const old = { labelSelector: `${name}=patched` };
  expect((await plane.call('DELETE', path, { query: old })).status).toBe(200);
  expect((await plane.call('GET', `${path}/${name}`)).status).toBe(404);
});

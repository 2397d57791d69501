import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { nodes, pods } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { strategicPatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const spec = { containers: [{ name: 'web', image: 'web:1' }] };
const at = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
const isGone = async (namespace: string, name: string) =>
  (await plane.call('GET', `${at(namespace)}/${name}`)).status === 404;

async function run(namespace: string, name: string, own: Partial<Pod> = {}): Promise<Persisted<Pod>> {
  await plane.client.create(pods, { spec, ...own, metadata: { ...own.metadata, name, namespace } });
  return eventually(`${name} runs`, async () => {
    const pod = await plane.client.get(pods, { namespace, name });
    return pod.status?.phase === 'Running' && pod;
  });
}

test('Pods should be submitted and removed', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'time=now' };
  expect((await plane.call<{ items: Pod[] }>('GET', at(namespace), { query })).json.items).toEqual([]);
  const watch = await plane.watch<Pod>(at(namespace), query);
  await plane.client.create(pods, {
    metadata: { name: 'removed', namespace, labels: { time: 'now' } },
    spec,
  });
  await watch.next('ADDED');
  await watch.next('MODIFIED', ({ status }) => status?.phase === 'Running');
  await plane.client.delete(pods, { namespace, name: 'removed' }, { gracePeriodSeconds: 30 });
  const dying = await watch.next('MODIFIED', ({ metadata }) => metadata.deletionTimestamp !== undefined);
  expect(dying.metadata.deletionGracePeriodSeconds).toBe(30);
  const last = await watch.next('DELETED');
  expect(last.metadata.deletionTimestamp).toBeDefined();
  expect((await plane.call<{ items: Pod[] }>('GET', at(namespace), { query })).json.items).toEqual([]);
});

test('Pods should be updated', async () => {
  const namespace = await plane.namespace();
  const pod = await run(namespace, 'updated', { metadata: { labels: { time: 'one' } } });
  const { resourceVersion: _, ...metadata } = pod.metadata;
  const put = await plane.call<Pod>('PUT', `${at(namespace)}/updated`, {
    body: { ...pod, metadata: { ...metadata, labels: { time: 'two' } } },
  });
  expect([put.status, put.json.metadata.labels]).toEqual([200, { time: 'two' }]);
  const { items } = await plane.client.list(pods, { namespace, labelSelector: 'time=two' });
  expect(items.map((each) => each.metadata.uid)).toEqual([pod.metadata.uid]);
});

test('Pods should get a host IP', async () => {
  const namespace = await plane.namespace();
  const pod = await run(namespace, 'placed');
  const node = await plane.client.get(nodes, { name: pod.spec.nodeName ?? '' });
  const address = node.status?.addresses?.[0]?.address;
  expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(pod.status?.hostIP).toBe(address);
  expect(pod.status?.hostIPs).toEqual([{ ip: address }]);
});

test('Pods should allow activeDeadlineSeconds to be updated', async () => {
  const namespace = await plane.namespace();
  const pod = await run(namespace, 'limited');
  const put = await plane.call<Pod>('PUT', `${at(namespace)}/limited`, {
    body: {
      ...pod,
      metadata: { ...pod.metadata, resourceVersion: undefined },
      spec: { ...pod.spec, activeDeadlineSeconds: 2 },
    },
  });
  expect([put.status, put.json.spec.activeDeadlineSeconds], put.text).toEqual([200, 2]);
  const ended = await eventually('the deadline', async () => {
    const now = await plane.client.get(pods, { namespace, name: 'limited' });
    return now.status?.phase === 'Failed' && now;
  });
  expect(ended.status?.reason).toBe('DeadlineExceeded');
  const longer = await plane.call('PATCH', `${at(namespace)}/limited`, {
    body: { spec: { activeDeadlineSeconds: 60 } },
    contentType: strategicPatch,
  });
  expect([longer.status, longer.json.message]).toEqual([
    422,
    expect.stringContaining(
      'spec.activeDeadlineSeconds: Invalid value: 60: must be less than or equal to previous value',
    ),
  ]);
});

test('Pods should run through the lifecycle of Pods and PodStatus', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'test-pod-static=true' };
  const watch = await plane.watch<Pod>(at(namespace), query);
  await run(namespace, 'pod-test', { metadata: { labels: { 'test-pod-static': 'true' } } });
  await watch.next('ADDED');
  await watch.next('MODIFIED', ({ status }) => status?.phase === 'Running');
  const patched = await plane.call<Pod>('PATCH', `${at(namespace)}/pod-test`, {
    body: {
      metadata: { labels: { 'test-pod': 'patched' } },
      spec: { containers: [{ name: 'web', image: 'web:2' }] },
    },
    contentType: strategicPatch,
  });
  expect([patched.status, patched.json.spec.containers[0]?.image], patched.text).toEqual([200, 'web:2']);
  await watch.next('MODIFIED', ({ metadata }) => metadata.labels?.['test-pod'] === 'patched');
  const status = await eventually('the new generation is seen', async () => {
    const read = await plane.call<Pod>('GET', `${at(namespace)}/pod-test/status`);
    return read.json.status?.observedGeneration === read.json.metadata.generation && read.json;
  });
  const conditions = status.status?.conditions?.map((each) =>
    each.type === 'Ready' ? { ...each, status: 'False' } : each,
  );
  const put = await plane.call<Pod>('PUT', `${at(namespace)}/pod-test/status`, {
    body: {
      ...status,
      spec: { ...status.spec, nodeName: 'elsewhere' },
      status: { ...status.status, conditions },
    },
  });
  expect(put.status, put.text).toBe(200);
  expect(put.json.spec.nodeName).toBe(status.spec.nodeName);
  await watch.next(
    'MODIFIED',
    (pod) =>
      !!pod.status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'False'),
  );
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  await watch.next('DELETED');
  expect(await isGone(namespace, 'pod-test')).toBe(true);
});

test('Pod Generation pod generation should start at 1 and increment per update', async () => {
  const namespace = await plane.namespace();
  const made = await plane.client.create(pods, { metadata: { name: 'counted', namespace }, spec });
  expect(made.metadata.generation).toBe(1);
  await eventually('counted runs', async () => {
    return (await plane.client.get(pods, { namespace, name: 'counted' })).status?.phase === 'Running';
  });
  const patched = async (patch: object) =>
    (await plane.client.patch(pods, { namespace, name: 'counted' }, { type: 'strategic', patch })).metadata
      .generation;
  expect(await patched({ spec: { activeDeadlineSeconds: 5000 } })).toBe(2);
  expect(await patched({ spec: { containers: [{ name: 'web', image: 'web:2' }] } })).toBe(3);
  const tolerations = [{ key: 'extra', operator: 'Exists', effect: 'NoSchedule' }];
  const { spec: now } = await plane.client.get(pods, { namespace, name: 'counted' });
  expect(await patched({ spec: { tolerations: [...(now.tolerations ?? []), ...tolerations] } })).toBe(4);
  expect(await patched({ metadata: { labels: { no: 'spec' }, annotations: { no: 'spec' } } })).toBe(4);
  expect(await patched({ metadata: { generation: 100 } })).toBe(4);
  await eventually('the node has seen it', async () => {
    const pod = await plane.client.get(pods, { namespace, name: 'counted' });
    return pod.status?.observedGeneration === 4;
  });
});

test('Pod Generation custom-set generation on new pods and graceful delete', async () => {
  const namespace = await plane.namespace();
  const finalizers = ['conformance.test/hold'];
  const pod = await run(namespace, 'custom', { metadata: { generation: 100, finalizers } });
  expect(pod.metadata.generation).toBe(1);
  await plane.client.delete(pods, { namespace, name: 'custom' }, { gracePeriodSeconds: 30 });
  const dying = await plane.client.get(pods, { namespace, name: 'custom' });
  expect(dying.metadata.deletionTimestamp).toBeDefined();
  expect(dying.metadata.generation).toBe(2);
  await plane.client.patch(
    pods,
    { namespace, name: 'custom' },
    { type: 'merge', patch: { metadata: { finalizers: null } } },
  );
  await eventually('custom is gone', () => isGone(namespace, 'custom'));
});

test('Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge', async () => {
  const namespace = await plane.namespace();
  await run(namespace, 'busy');
  for (let number = 1; number < 500; number++) {
    const patch = { spec: { containers: [{ name: 'web', image: `web:${number % 2 ? 'odd' : 'even'}` }] } };
    await plane.client.patch(pods, { namespace, name: 'busy' }, { type: 'strategic', patch });
  }
  const pod = await eventually('both are 500', async () => {
    const now = await plane.client.get(pods, { namespace, name: 'busy' });
    return now.status?.observedGeneration === now.metadata.generation && now;
  });
  expect(pod.metadata.generation).toBe(500);
});

const taint = { key: 'evict-me', value: 'now', effect: 'NoExecute' };
const tolerating = (tolerationSeconds: number) => [
  { key: taint.key, operator: 'Equal', value: taint.value, effect: taint.effect, tolerationSeconds },
];

async function setTaints(name: string, taints: object[]): Promise<void> {
  const node = await plane.client.get(nodes, { name });
  const others = node.spec.taints?.filter(({ key }) => key !== taint.key) ?? [];
  await plane.client.patch(
    nodes,
    { name },
    { type: 'merge', patch: { spec: { taints: [...others, ...taints] } } },
  );
}

test('NoExecuteTaintManager Single Pod removing taint cancels eviction', async () => {
  const namespace = await plane.namespace();
  const watch = await plane.watch<Pod>(at(namespace));
  const nodeSelector = { 'kubernetes.io/hostname': 'node-1' };
  const pod = await run(namespace, 'spared', { spec: { ...spec, nodeSelector, tolerations: tolerating(3) } });
  await run(namespace, 'clock', { spec: { ...spec, nodeSelector, tolerations: tolerating(300) } });
  await setTaints('node-1', [taint]);
  // Long enough that the controller has seen the taint, and shorter than the toleration.
  await run(namespace, 'elsewhere', {
    spec: { ...spec, nodeSelector: { 'kubernetes.io/hostname': 'node-2' } },
  });
  await setTaints('node-1', []);
  // A pod that is evicted by the same controller after the same time shows that the time is over.
  await setTaints('node-2', [taint]);
  const later = { 'kubernetes.io/hostname': 'node-2' };
  await plane.client.create(pods, {
    metadata: { name: 'evicted', namespace },
    spec: { ...spec, nodeSelector: later, tolerations: tolerating(4) },
  });
  await watch.next('DELETED', ({ metadata }) => metadata.name === 'evicted');
  await setTaints('node-2', []);
  const now = await plane.client.get(pods, { namespace, name: 'spared' });
  expect([now.metadata.uid, now.metadata.deletionTimestamp]).toEqual([pod.metadata.uid, undefined]);
});

test('NoExecuteTaintManager Multiple Pods evicts pods with minTolerationSeconds', async () => {
  const namespace = await plane.namespace();
  const watch = await plane.watch<Pod>(at(namespace));
  const nodeSelector = { 'kubernetes.io/hostname': 'node-1' };
  await run(namespace, 'soon', { spec: { ...spec, nodeSelector, tolerations: tolerating(1) } });
  const both = [...tolerating(3), ...tolerating(300)];
  await run(namespace, 'later', { spec: { ...spec, nodeSelector, tolerations: both } });
  await run(namespace, 'stays', { spec: { ...spec, nodeSelector, tolerations: tolerating(300) } });
  const taintedAtMs = Date.now();
  await setTaints('node-1', [taint]);
  await watch.next('DELETED', ({ metadata }) => metadata.name === 'soon');
  const soonMs = Date.now() - taintedAtMs;
  // In this order: when the first is gone, the second has still to go.
  await watch.next('DELETED', ({ metadata }) => metadata.name === 'later');
  const laterMs = Date.now() - taintedAtMs;
  expect(soonMs).toBeGreaterThan(900);
  expect(laterMs).toBeGreaterThan(2900);
  expect(await isGone(namespace, 'stays')).toBe(false);
  await setTaints('node-1', []);
});

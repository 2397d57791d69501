import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LimitRange, Pod } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { strategicPatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const amounts = (cpu: string, memory: string, storage: string) => ({
  cpu,
  memory,
  'ephemeral-storage': storage,
});
const min = amounts('50m', '100Mi', '100Gi');
const max = amounts('500m', '500Mi', '500Gi');
const defaultLimit = amounts('500m', '500Mi', '500Gi');
const defaultRequest = amounts('100m', '200Mi', '200Gi');

const range = (name: string, labels?: Record<string, string>) => ({
  metadata: { name, ...(labels && { labels }) },
  spec: { limits: [{ type: 'Container', min, max, default: defaultLimit, defaultRequest }] },
});
const pod = (name: string, requests: object, limits: object) => ({
  metadata: { name },
  spec: { containers: [{ name: 'pause', image: 'pause', resources: { requests, limits } }] },
});

test('LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied', async () => {
  const namespace = await plane.namespace();
  const ranges = `/api/v1/namespaces/${namespace}/limitranges`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const watch = await plane.watch<LimitRange>(ranges);
  expect((await plane.call('POST', ranges, { body: range('limit-range') })).status).toBe(201);
  await watch.next('ADDED', ({ metadata }) => metadata.name === 'limit-range');
  const create = (name: string, requests: object = {}, limits: object = {}) =>
    plane.call<Pod & { message: string }>('POST', pods, { body: pod(name, requests, limits) });
  const resourcesOf = (made: { json: Pod }) => made.json.spec.containers[0]?.resources;
  const plain = await create('pod-no-resources');
  expect(resourcesOf(plain)).toEqual({ requests: defaultRequest, limits: defaultLimit });
  expect(plain.json.metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
    'LimitRanger plugin set: cpu, ephemeral-storage, memory request for container pause; cpu, ephemeral-storage, memory limit for container pause',
  );
  const partial = await create('pod-partial-resources', { cpu: '100m', memory: '100Mi' }, { cpu: '300m' });
  expect(resourcesOf(partial)).toEqual({
    requests: { ...defaultRequest, cpu: '100m', memory: '100Mi' },
    limits: { ...defaultLimit, cpu: '300m' },
  });
  const below = await create('pod-below', { ...defaultRequest, cpu: '10m' });
  expect([below.status, below.json.message]).toEqual([
    403,
    'pods "pod-below" is forbidden: minimum cpu usage per Container is 50m, but request is 10m',
  ]);
  const above = await create('pod-above', {}, { ...defaultLimit, cpu: '600m' });
  expect([above.status, above.json.message]).toEqual([
    403,
    'pods "pod-above" is forbidden: maximum cpu usage per Container is 500m, but limit is 600m',
  ]);
  const { json } = await plane.call<LimitRange>('GET', `${ranges}/limit-range`);
  const [item] = json.spec?.limits ?? [];
  const wider = { ...item, min: amounts('9m', '49Mi', '49Gi'), type: 'Container' };
  const updated = await plane.call('PUT', `${ranges}/limit-range`, {
    body: { ...json, spec: { limits: [wider] } },
  });
  expect(updated.status, updated.text).toBe(200);
  expect((await create('pod-below', { ...defaultRequest, cpu: '10m' })).status).toBe(201);
  expect((await plane.call('DELETE', `${ranges}/limit-range`)).status).toBe(200);
  await watch.next('DELETED', ({ metadata }) => metadata.name === 'limit-range');
  expect((await create('pod-above', { cpu: '600m' }, { cpu: '600m' })).status).toBe(201);
});

test('LimitRange should list, patch and delete a LimitRange by collection', async () => {
  const [one, two] = [await plane.namespace(), await plane.namespace()];
  const pathIn = (namespace: string) => `/api/v1/namespaces/${namespace}/limitranges`;
  const labels = { 'e2e-test': one };
  await plane.call('POST', pathIn(one), { body: range('e2e-limitrange', labels) });
  await plane.call('POST', pathIn(two), { body: range('e2e-limitrange', { ...labels, other: 'yes' }) });
  const query = { labelSelector: `e2e-test=${one}` };
  const everywhere = async () =>
    (await plane.call<{ items: LimitRange[] }>('GET', '/api/v1/limitranges', { query })).json.items;
  expect((await everywhere()).map(({ metadata }) => metadata.namespace)).toEqual([one, two].sort());
  const patched = await plane.call<LimitRange>('PATCH', `${pathIn(one)}/e2e-limitrange`, {
    body: {
      metadata: { labels: { patched: 'yes' } },
      spec: { limits: [{ type: 'Container', min: amounts('5m', '10Mi', '10Gi') }] },
    },
    contentType: strategicPatch,
  });
  expect(patched.json.metadata.labels).toEqual({ ...labels, patched: 'yes' });
  expect(patched.json.spec?.limits[0]?.min).toEqual(amounts('5m', '10Mi', '10Gi'));
  const selected = { labelSelector: `e2e-test=${one},patched=yes` };
  expect((await plane.call('DELETE', pathIn(one), { query: selected })).status).toBe(200);
  expect((await everywhere()).map(({ metadata }) => metadata.namespace)).toEqual([two]);
});

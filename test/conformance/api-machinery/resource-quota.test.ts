import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ResourceQuota } from '../../../lib/api/gen/types.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, type Status, strategicPatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

type Amounts = Record<string, string>;

const pathIn = (namespace: string, plural: string, group = '') =>
  `${group ? `/apis/${group}/v1` : '/api/v1'}/namespaces/${namespace}/${plural}`;

/** Waits until the quota's status says so; of what is used, only what is named is compared. */
async function used(namespace: string, name: string, wanted: Amounts): Promise<void> {
  await eventually(`quota ${name} uses ${JSON.stringify(wanted)}`, async () => {
    const { json } = await plane.call<ResourceQuota>('GET', `${pathIn(namespace, 'resourcequotas')}/${name}`);
    const found = json.status?.used ?? {};
    return Object.entries(wanted).every(([resource, amount]) => found[resource] === amount);
  });
}

async function makeQuota(namespace: string, name: string, hard: Amounts, spec: object = {}): Promise<void> {
  const body = { metadata: { name }, spec: { hard, ...spec } };
  const made = await plane.call('POST', pathIn(namespace, 'resourcequotas'), { body });
  expect(made.status, made.text).toBe(201);
  const zeros = Object.fromEntries(Object.keys(hard).map((resource) => [resource, '0']));
  const present: Amounts = Object.hasOwn(hard, 'resourcequotas') ? { resourcequotas: '1' } : {};
  const before: Amounts = Object.hasOwn(hard, 'configmaps') ? { configmaps: '1' } : {};
  await used(namespace, name, { ...zeros, ...present, ...before });
}

const container = (requests: Amounts = {}, limits: Amounts = requests) => ({
  name: 'app',
  image: 'app:1',
  resources: { requests, limits },
});

async function create(path: string, body: object): Promise<Status & { code: number }> {
  const answer = await plane.call<Status>('POST', path, { body });
  return { ...answer.json, code: answer.status };
}

const remove = async (path: string) => {
  const { status } = await plane.call('DELETE', path, { query: { gracePeriodSeconds: '0' } });
  expect(status).toBe(200);
};

const wide = {
  pods: '5',
  services: '10',
  'services.nodeports': '1',
  'services.loadbalancers': '1',
  replicationcontrollers: '10',
  resourcequotas: '1',
  configmaps: '2',
  secrets: '10',
  persistentvolumeclaims: '10',
  'requests.storage': '10Gi',
  cpu: '1',
  memory: '500Mi',
  'ephemeral-storage': '50Gi',
  'requests.example.com/dongle': '3',
  'count/replicasets.apps': '5',
};

test('ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated', async () => {
  const namespace = await plane.namespace();
  await makeQuota(namespace, 'test-quota', wide);
  const { json } = await plane.call<ResourceQuota>(
    'GET',
    `${pathIn(namespace, 'resourcequotas')}/test-quota`,
  );
  expect(json.status?.hard).toEqual(json.spec.hard);
  expect(Object.keys(json.status?.used ?? {}).sort()).toEqual(Object.keys(wide).sort());
});

test('ResourceQuota should create a ResourceQuota and capture the life of a service', async () => {
  const namespace = await plane.namespace();
  await makeQuota(namespace, 'test-quota', wide);
  const services = pathIn(namespace, 'services');
  const service = (name: string, type: string, ports = 1) => ({
    metadata: { name },
    spec: {
      type,
      selector: { a: 'b' },
      ports: Array.from({ length: ports }, (_, index) => ({ name: `p${index}`, port: 80 + index })),
    },
  });
  expect((await create(services, service('plain', 'ClusterIP'))).code).toBe(201);
  expect((await create(services, service('port', 'NodePort'))).code).toBe(201);
  const refused = await create(services, service('balanced', 'LoadBalancer'));
  expect(refused).toMatchObject({
    code: 403,
    message:
      'services "balanced" is forbidden: exceeded quota: test-quota, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
  });
  await used(namespace, 'test-quota', {
    services: '2',
    'services.nodeports': '1',
    'services.loadbalancers': '0',
  });
  // A type that changes is charged as it changes.
  const patched = await plane.call<Status>('PATCH', `${services}/plain`, {
    body: { spec: { type: 'NodePort' } },
    contentType: mergePatch,
  });
  expect(patched.status).toBe(403);
  await remove(`${services}/port`);
  await used(namespace, 'test-quota', { services: '1', 'services.nodeports': '0' });
  expect((await create(services, service('balanced', 'LoadBalancer'))).code).toBe(201);
  await used(namespace, 'test-quota', {
    services: '2',
    'services.nodeports': '1',
    'services.loadbalancers': '1',
  });
  await remove(`${services}/plain`);
  await remove(`${services}/balanced`);
  await used(namespace, 'test-quota', {
    services: '0',
    'services.nodeports': '0',
    'services.loadbalancers': '0',
  });
});

test.each([
  ['secret', 'secrets', '', 'secrets', (name: string) => ({ metadata: { name }, data: {} })],
  ['configMap', 'configmaps', '', 'configmaps', (name: string) => ({ metadata: { name }, data: {} })],
  [
    'replication controller',
    'replicationcontrollers',
    '',
    'replicationcontrollers',
    (name: string) => ({
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { a: 'b' },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container()] } },
      },
    }),
  ],
  [
    'replica set',
    'replicasets',
    'apps',
    'count/replicasets.apps',
    (name: string) => ({
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container()] } },
      },
    }),
  ],
] as const)('ResourceQuota should create a ResourceQuota and capture the life of a %s', async (...of) => {
  const [, plural, group, resource, make] = of;
  const namespace = await plane.namespace();
  await makeQuota(namespace, 'test-quota', wide);
  const before = plural === 'configmaps' ? 1 : 0;
  const path = pathIn(namespace, plural, group);
  expect(await create(path, make('counted'))).toMatchObject({ code: 201 });
  await used(namespace, 'test-quota', { [resource]: String(before + 1) });
  if (plural === 'configmaps') {
    expect((await create(path, make('beyond'))).message).toContain(
      'exceeded quota: test-quota, requested: configmaps=1, used: configmaps=2, limited: configmaps=2',
    );
  }
  await remove(`${path}/counted`);
  await used(namespace, 'test-quota', { [resource]: String(before) });
});

test('ResourceQuota should create a ResourceQuota and capture the life of a pod', async () => {
  const namespace = await plane.namespace();
  await makeQuota(namespace, 'test-quota', wide);
  const pods = pathIn(namespace, 'pods');
  const requests = {
    cpu: '500m',
    memory: '252Mi',
    'ephemeral-storage': '30Gi',
    'example.com/dongle': '2',
  };
  const pod = (name: string, more: Amounts = {}) => ({
    metadata: { name },
    spec: { containers: [container({ ...requests, ...more })] },
  });
  expect(await create(pods, pod('test-pod'))).toMatchObject({ code: 201 });
  const charged = {
    pods: '1',
    cpu: '500m',
    memory: '252Mi',
    'ephemeral-storage': '30Gi',
    'requests.example.com/dongle': '2',
  };
  await used(namespace, 'test-quota', charged);
  for (const [resource, amount] of [
    ['cpu', '600m'],
    ['memory', '300Mi'],
    ['example.com/dongle', '2'],
  ] as const) {
    const refused = await create(pods, pod('fail-pod', { [resource]: amount }));
    expect(refused.code, refused.message).toBe(403);
    expect(refused.message).toContain('pods "fail-pod" is forbidden: exceeded quota: test-quota');
  }
  const silent = await create(pods, { metadata: { name: 'silent' }, spec: { containers: [container()] } });
  expect(silent.message).toBe(
    'pods "silent" is forbidden: failed quota: test-quota: must specify cpu for: app; memory for: app',
  );
  const grown = await plane.call('PATCH', `${pods}/test-pod`, {
    body: { spec: { containers: [{ name: 'app', resources: { requests: { cpu: '600m' } } }] } },
    contentType: strategicPatch,
  });
  expect(grown.status).toBe(422);
  await used(namespace, 'test-quota', charged);
  await remove(`${pods}/test-pod`);
  await used(namespace, 'test-quota', {
    pods: '0',
    cpu: '0',
    memory: '0',
    'ephemeral-storage': '0',
    'requests.example.com/dongle': '0',
  });
});

test('ResourceQuota should verify ResourceQuota with terminating scopes', async () => {
  const namespace = await plane.namespace();
  const hard = { pods: '5', 'requests.cpu': '1', 'limits.cpu': '2' };
  await makeQuota(namespace, 'terminating', hard, { scopes: ['Terminating'] });
  await makeQuota(namespace, 'not-terminating', hard, { scopes: ['NotTerminating'] });
  const pods = pathIn(namespace, 'pods');
  const spec = { containers: [container({ cpu: '500m' }, { cpu: '1' })] };
  const charged = { pods: '1', 'requests.cpu': '500m', 'limits.cpu': '1' };
  const none = { pods: '0', 'requests.cpu': '0', 'limits.cpu': '0' };
  expect(await create(pods, { metadata: { name: 'long' }, spec })).toMatchObject({ code: 201 });
  await used(namespace, 'not-terminating', charged);
  await used(namespace, 'terminating', none);
  await remove(`${pods}/long`);
  await used(namespace, 'not-terminating', none);
  const ending = { ...spec, activeDeadlineSeconds: 3600 };
  expect(await create(pods, { metadata: { name: 'ending' }, spec: ending })).toMatchObject({ code: 201 });
  await used(namespace, 'terminating', charged);
  await used(namespace, 'not-terminating', none);
  await remove(`${pods}/ending`);
  await used(namespace, 'terminating', none);
});

test('ResourceQuota should verify ResourceQuota with best effort scope', async () => {
  const namespace = await plane.namespace();
  await makeQuota(namespace, 'best-effort', { pods: '5' }, { scopes: ['BestEffort'] });
  await makeQuota(namespace, 'not-best-effort', { pods: '5' }, { scopes: ['NotBestEffort'] });
  const pods = pathIn(namespace, 'pods');
  await create(pods, { metadata: { name: 'best-effort' }, spec: { containers: [container()] } });
  await used(namespace, 'best-effort', { pods: '1' });
  await used(namespace, 'not-best-effort', { pods: '0' });
  await remove(`${pods}/best-effort`);
  await used(namespace, 'best-effort', { pods: '0' });
  await create(pods, { metadata: { name: 'burstable' }, spec: { containers: [container({ cpu: '500m' })] } });
  await used(namespace, 'not-best-effort', { pods: '1' });
  await used(namespace, 'best-effort', { pods: '0' });
  await remove(`${pods}/burstable`);
  await used(namespace, 'not-best-effort', { pods: '0' });
});

test('ResourceQuota should be able to update and delete ResourceQuota', async () => {
  const namespace = await plane.namespace();
  const path = `${pathIn(namespace, 'resourcequotas')}/test-quota`;
  await makeQuota(namespace, 'test-quota', { cpu: '1', memory: '500Mi' });
  const { json } = await plane.call<ResourceQuota>('GET', path);
  const updated = await plane.call<ResourceQuota>('PUT', path, {
    body: { ...json, spec: { hard: { cpu: '2', memory: '1Gi' } } },
  });
  expect(updated.json.spec.hard).toEqual({ cpu: '2', memory: '1Gi' });
  await eventually('the new limits in the status', async () => {
    const { json: now } = await plane.call<ResourceQuota>('GET', path);
    return now.status?.hard?.['cpu'] === '2' && now.status.hard['memory'] === '1Gi';
  });
  await remove(path);
  expect((await plane.call('GET', path)).status).toBe(404);
});

test('ResourceQuota should manage the lifecycle of a ResourceQuota', async () => {
  const namespace = await plane.namespace();
  const path = pathIn(namespace, 'resourcequotas');
  const labels = { 'e2e-rq-label': namespace };
  const body = { metadata: { name: 'e2e-quota', labels }, spec: { hard: { cpu: '500m', memory: '500Mi' } } };
  expect((await create(path, body)).code).toBe(201);
  const query = { labelSelector: `e2e-rq-label=${namespace}` };
  const listed = await plane.call<{ items: ResourceQuota[] }>('GET', '/api/v1/resourcequotas', { query });
  expect(listed.json.items.map(({ metadata }) => metadata.name)).toEqual(['e2e-quota']);
  const patched = await plane.call<ResourceQuota>('PATCH', `${path}/e2e-quota`, {
    body: { metadata: { labels: { 'e2e-quota': 'patched' } }, spec: { hard: { memory: '750Mi' } } },
    contentType: mergePatch,
  });
  expect(patched.json.spec.hard).toEqual({ cpu: '500m', memory: '750Mi' });
  expect((await plane.call('DELETE', path, { query })).status).toBe(200);
  const left = await plane.call<{ items: ResourceQuota[] }>('GET', '/api/v1/resourcequotas', { query });
  expect(left.json.items).toEqual([]);
});

test('ResourceQuota should apply changes to a resourcequota status', async () => {
  const namespace = await plane.namespace();
  const path = `${pathIn(namespace, 'resourcequotas')}/e2e-rq-status`;
  await makeQuota(namespace, 'e2e-rq-status', { cpu: '500m', memory: '500Mi' });
  const synced = () =>
    eventually('the status to follow the spec', async () => {
      const { json } = await plane.call<ResourceQuota>('GET', path);
      return json.status?.hard?.['cpu'] === '500m' && json.status.hard['memory'] === '500Mi';
    });
  const watch = await plane.watch<ResourceQuota>(pathIn(namespace, 'resourcequotas'));
  const patched = await plane.call<ResourceQuota>('PATCH', `${path}/status`, {
    body: { status: { hard: { cpu: '1', memory: '1Gi' } }, spec: { hard: { cpu: '3' } } },
    contentType: mergePatch,
  });
  expect(patched.json.status?.hard).toEqual({ cpu: '1', memory: '1Gi' });
  expect(patched.json.spec.hard).toEqual({ cpu: '500m', memory: '500Mi' });
  await watch.next('MODIFIED', ({ status }) => status?.hard?.['cpu'] === '1');
  await synced();
  await eventually('an update of the status', async () => {
    const { json } = await plane.call<ResourceQuota>('GET', `${path}/status`);
    const body = { ...json, status: { hard: { cpu: '2', memory: '2Gi' }, used: {} } };
    const updated = await plane.call<ResourceQuota>('PUT', `${path}/status`, { body });
    return updated.status === 200 && updated.json.status?.hard?.['cpu'] === '2';
  });
  await watch.next('MODIFIED', ({ status }) => status?.hard?.['cpu'] === '2');
  await synced();
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const inDefault = (resource: string, group = '') =>
  `${group ? `/apis/${group}/v1` : '/api/v1'}/namespaces/default/${resource}`;
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const pod = (name: string, more: object = {}) => ({
  metadata: { name, ...more },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});
const count = async (path: string) => (await server.get(path)).json.items?.length;

/** create, get, list, update, patch, delete and deletecollection of one resource type. */
/** `change` is of the kind's own fields: patched in and, as what was made, read back. */
async function lifecycle(path: string, make: (name: string) => object, change: object = {}): Promise<void> {
  const withLabel = (name: string) => {
    const object = make(name) as { metadata: object };
    return { ...object, metadata: { ...object.metadata, labels: { lifecycle: 'yes' } } };
  };
  for (const name of ['one', 'two', 'three']) {
    expect((await server.post(path, withLabel(`lifecycle-${name}`))).status).toBe(201);
  }
  const selected = `${path}?labelSelector=lifecycle`;
  const listed = await server.get(selected);
  expect(listed.json.items).toHaveLength(3);
  const one = `${path}/lifecycle-one`;
  const { json } = await server.get(one);
  expect(json).toMatchObject(withLabel('lifecycle-one'));
  const updated = await server.put(one, {
    ...json,
    metadata: { ...json.metadata, annotations: { updated: 'yes' } },
  });
  expect(updated.json.metadata?.annotations).toEqual({ updated: 'yes' });
  const patched = await server.patch(one, merge, {
    ...change,
    metadata: { annotations: { patched: 'yes' } },
  });
  expect(patched.json.metadata?.annotations).toEqual({ updated: 'yes', patched: 'yes' });
  const read = (await server.get(one)).json;
  expect(read).toEqual(patched.json);
  expect(read).toMatchObject(change);
  expect((await server.delete(one)).status).toBe(200);
  expect((await server.get(one)).status).toBe(404);
  expect((await server.delete(selected)).status).toBe(200);
  expect(await count(selected)).toBe(0);
  const { text } = await server.get(
    `${selected}&watch=true&timeoutSeconds=1&resourceVersion=${listed.json.metadata?.resourceVersion}`,
  );
  const types = text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Json).type);
  expect(types.map(String).toSorted()).toEqual(['DELETED', 'DELETED', 'DELETED', 'MODIFIED', 'MODIFIED']);
}

test('Lease lease API should be available', () =>
  lifecycle(
    inDefault('leases', 'coordination.k8s.io'),
    (name) => ({
      metadata: { name },
      spec: { holderIdentity: 'holder', leaseDurationSeconds: 30, leaseTransitions: 0 },
    }),
    { spec: { holderIdentity: 'another', leaseDurationSeconds: 40, leaseTransitions: 1 } },
  ));

test('EndpointSlice should support creating EndpointSlice API operations', () =>
  lifecycle(
    inDefault('endpointslices', 'discovery.k8s.io'),
    (name) => ({ metadata: { name }, addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4'] }] }),
    { endpoints: [{ addresses: ['1.2.3.5'], conditions: { ready: false } }] },
  ));

test('ServiceAccounts should run through the lifecycle of a ServiceAccount', () =>
  lifecycle(inDefault('serviceaccounts'), (name) => ({ metadata: { name } }), {
    automountServiceAccountToken: false,
  }));

test('Endpoints should test the lifecycle of an Endpoint', () =>
  lifecycle(
    inDefault('endpoints'),
    (name) => ({
      metadata: { name },
      subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
    }),
    {
      subsets: [{ addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'web', port: 8080, protocol: 'TCP' }] }],
    },
  ));

test('ServiceCIDR and IPAddress API should support IPAddress API operations', async () => {
  const path = '/apis/networking.k8s.io/v1/ipaddresses';
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'kubernetes' };
  for (const name of ['192.168.1.1', '192.168.1.2']) {
    expect(
      (await server.post(path, { metadata: { name, labels: { special: 'yes' } }, spec: { parentRef } }))
        .status,
    ).toBe(201);
  }
  expect(await count(`${path}?labelSelector=special`)).toBe(2);
  const patched = await server.patch(`${path}/192.168.1.1`, merge, {
    metadata: { annotations: { patched: 'true' } },
  });
  expect(patched.json.metadata?.annotations).toEqual({ patched: 'true' });
  expect((await server.delete(`${path}/192.168.1.1`)).status).toBe(200);
  await server.delete(`${path}?labelSelector=special`);
  expect(await count(`${path}?labelSelector=special`)).toBe(0);
});

test('Events should manage the lifecycle of an event', async () => {
  const path = inDefault('events');
  const event = {
    metadata: { name: 'event-test', labels: { testevent: 'true' } },
    message: 'This is a test event',
    reason: 'Test',
    type: 'Normal',
    count: 1,
    involvedObject: { namespace: 'default' },
  };
  expect((await server.post(path, event)).status).toBe(201);
  expect(await count('/api/v1/events?labelSelector=testevent%3Dtrue')).toBe(1);
  const patched = await server.patch(`${path}/event-test`, strategic, { message: 'patched' });
  expect(patched.json.message).toBe('patched');
  const series = { count: 100, lastObservedTime: '2026-01-01T00:00:00.000000Z' };
  const updated = await server.put(`${path}/event-test`, { ...patched.json, series });
  expect(updated.json).toMatchObject({ series });
  expect((await server.delete(`${path}/event-test`)).status).toBe(200);
  expect(await count('/api/v1/events?labelSelector=testevent%3Dtrue')).toBe(0);
});

test('Events should delete a collection of events', async () => {
  const path = inDefault('events');
  for (const name of ['e1', 'e2', 'e3']) {
    await server.post(path, {
      metadata: { name, labels: { set: 'yes' } },
      involvedObject: { namespace: 'default' },
    });
  }
  expect(await count(`${path}?labelSelector=set`)).toBe(3);
  await server.delete(`${path}?labelSelector=set`);
  expect(await count(`${path}?labelSelector=set`)).toBe(0);
});

const newEvent = (name: string) => ({
  metadata: { name, labels: { api: 'new' } },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'test-controller',
  reportingInstance: 'test-node',
  action: 'Do',
  reason: 'Test',
  type: 'Normal',
  regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
});

test('Events API should ensure that an event can be fetched, patched, deleted, and listed', async () => {
  const path = inDefault('events', 'events.k8s.io');
  const created = await server.post(path, newEvent('new'));
  expect([created.status, created.json.message]).toEqual([201, undefined]);
  expect(
    await count(`/apis/events.k8s.io/v1/events?fieldSelector=reportingController%3Dtest-controller`),
  ).toBe(1);
  const series = { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' };
  const patched = await server.patch(`${path}/new`, strategic, { series });
  expect(patched.json).toMatchObject({ series });
  const { json } = await server.get(`${path}/new`);
  const updated = await server.put(`${path}/new`, { ...json, series: { ...series, count: 3 } });
  expect(updated.json).toMatchObject({ series: { count: 3 } });
  const old = await server.get(`${inDefault('events')}/new`);
  expect(old.json).toMatchObject({
    apiVersion: 'v1',
    involvedObject: { name: 'p' },
    reportingComponent: 'test-controller',
  });
  expect((await server.delete(`${path}/new`)).status).toBe(200);
  expect((await server.get(`${inDefault('events')}/new`)).status).toBe(404);
});

test('Events API should delete a collection of events', async () => {
  const path = inDefault('events', 'events.k8s.io');
  for (const name of ['n1', 'n2', 'n3']) await server.post(path, newEvent(name));
  expect(await count(`${path}?labelSelector=api%3Dnew`)).toBe(3);
  await server.delete(`${path}?labelSelector=api%3Dnew`);
  expect(await count(`${path}?labelSelector=api%3Dnew`)).toBe(0);
});

test('Namespaces should patch a Namespace', async () => {
  await server.post('/api/v1/namespaces', { metadata: { name: 'patched' } });
  const { json } = await server.patch('/api/v1/namespaces/patched', strategic, {
    metadata: { labels: { testLabel: 'testValue' } },
  });
  expect(json.metadata?.labels).toMatchObject({
    testLabel: 'testValue',
    'kubernetes.io/metadata.name': 'patched',
  });
});

test('Namespaces should apply an update to a Namespace', async () => {
  const { json } = await server.post('/api/v1/namespaces', { metadata: { name: 'updated' } });
  const labels = { ...json.metadata?.labels, updated: 'yes' };
  const updated = await server.put('/api/v1/namespaces/updated', {
    ...json,
    metadata: { ...json.metadata, labels },
  });
  expect(updated.json.metadata?.labels).toEqual(labels);
});

test('Namespaces should apply changes to a namespace status', async () => {
  const { json } = await server.post('/api/v1/namespaces', { metadata: { name: 'status' } });
  expect(json.status?.phase).toBe('Active');
  const path = '/api/v1/namespaces/status/status';
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: 'E2E',
    message: 'set',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const patched = await server.patch(path, merge, { status: { conditions: [condition('StatusPatch')] } });
  expect(patched.json.status?.conditions).toHaveLength(1);
  const { json: now } = await server.get(path);
  const conditions = [...(now.status?.conditions ?? []), condition('StatusUpdate')];
  const updated = await server.put(path, { ...now, status: { phase: 'Active', conditions } });
  expect(updated.json.status?.conditions).toHaveLength(2);
});

test('Namespaces should apply a finalizer to a Namespace', async () => {
  const { json } = await server.post('/api/v1/namespaces', { metadata: { name: 'finalized' } });
  const finalize = (from: Json, finalizers: string[]) =>
    server.put('/api/v1/namespaces/finalized/finalize', { ...from, spec: { finalizers } });
  const added = await finalize(json, ['kubernetes', 'e2e.example.com/fake']);
  expect(added.json.spec).toEqual({ finalizers: ['kubernetes', 'e2e.example.com/fake'] });
  const removed = await finalize(added.json, ['kubernetes']);
  expect(removed.json.spec).toEqual({ finalizers: ['kubernetes'] });
});

test('Secrets should fail to create secret due to empty secret key', async () => {
  const { status } = await server.post(inDefault('secrets'), {
    metadata: { name: 'empty-key' },
    data: { '': 'dmFsdWU=' },
  });
  expect(status).toBe(422);
});

test('Secrets should patch a secret', async () => {
  const path = inDefault('secrets');
  await server.post(path, {
    metadata: { name: 'patched', labels: { testsecret: 'yes' } },
    data: { key: 'dmFsdWU=' },
  });
  expect(await count('/api/v1/secrets?labelSelector=testsecret')).toBe(1);
  const { json } = await server.patch(`${path}/patched`, strategic, { data: { key: 'dmFsdWUx' } });
  expect(json.data).toEqual({ key: 'dmFsdWUx' });
  await server.delete(`${path}?labelSelector=testsecret`);
  expect(await count('/api/v1/secrets?labelSelector=testsecret')).toBe(0);
});

test('ServiceAccounts should update a ServiceAccount', async () => {
  const path = inDefault('serviceaccounts');
  const { json } = await server.post(path, {
    metadata: { name: 'updated' },
    automountServiceAccountToken: false,
  });
  const { json: now } = await server.put(`${path}/updated`, { ...json, automountServiceAccountToken: true });
  expect(now).toMatchObject({ automountServiceAccountToken: true });
});

test('ServiceAccounts should allow opting out of API token automount', async () => {
  const options = [undefined, true, false];
  for (const [index, ofAccount] of options.entries()) {
    await server.post(inDefault('serviceaccounts'), {
      metadata: { name: `mount-${index}` },
      automountServiceAccountToken: ofAccount,
    });
    for (const [at, ofPod] of options.entries()) {
      const { metadata, spec } = pod(`mount-${index}-${at}`);
      const { json } = await server.post(inDefault('pods'), {
        metadata,
        spec: { ...spec, serviceAccountName: `mount-${index}`, automountServiceAccountToken: ofPod },
      });
      const [container] = (json.spec?.containers ?? []) as { volumeMounts?: object[] }[];
      expect(container?.volumeMounts?.length ?? 0).toBe((ofPod ?? ofAccount ?? true) ? 1 : 0);
    }
  }
});

test('Pods should delete a collection of pods', async () => {
  const path = inDefault('pods');
  for (const name of ['test-pod-1', 'test-pod-2', 'test-pod-3'])
    await server.post(path, pod(name, { labels: { type: 'Testing' } }));
  expect(await count(`${path}?labelSelector=type%3DTesting`)).toBe(3);
  await server.delete(`${path}?labelSelector=type%3DTesting`);
  expect(await count(`${path}?labelSelector=type%3DTesting`)).toBe(0);
});

test('Pods should patch a pod status', async () => {
  const path = inDefault('pods');
  await server.post(path, pod('status-patch'));
  const { json } = await server.patch(`${path}/status-patch/status`, strategic, {
    metadata: { annotations: { patchedstatus: 'true' } },
    status: { message: 'Patched by e2e test', reason: 'E2E' },
  });
  expect(json.status).toMatchObject({ message: 'Patched by e2e test', reason: 'E2E' });
  expect(json.metadata?.annotations).toMatchObject({ patchedstatus: 'true' });
});

test('API Server should provide secure master service', async () => {
  const { json } = await server.get(inDefault('services/kubernetes'));
  expect(json).toMatchObject({
    metadata: { labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }],
    },
  });
});

test('API Server should have Endpoints and EndpointSlices pointing to API Server', async () => {
  const endpoints = (await server.get(inDefault('endpoints/kubernetes'))).json as { subsets?: object[] };
  expect(endpoints.subsets).toMatchObject([
    { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'https', port: 6443 }] },
  ]);
  const slices = await server.get(
    `${inDefault('endpointslices', 'discovery.k8s.io')}?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes`,
  );
  expect(slices.json.items).toMatchObject([
    { endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 6443 }] },
  ]);
});

const service = (name: string, spec: object = {}) => ({
  metadata: { name, labels: { 'e2e-svc': 'yes' } },
  spec: { ports: [{ name: 'http', port: 80 }], ...spec },
});

test('Services should find a service from listing all namespaces', async () => {
  await server.post('/api/v1/namespaces', { metadata: { name: 'elsewhere' } });
  expect((await server.post('/api/v1/namespaces/elsewhere/services', service('far'))).status).toBe(201);
  const { json } = await server.get('/api/v1/services');
  const found = json.items?.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
  expect(found).toEqual(expect.arrayContaining(['default/kubernetes', 'elsewhere/far']));
});

test('Services should delete a collection of services', async () => {
  const path = inDefault('services');
  for (const name of ['svc-1', 'svc-2', 'svc-3']) await server.post(path, service(name));
  await server.delete(`${path}?labelSelector=e2e-svc`);
  expect(await count(`${path}?labelSelector=e2e-svc`)).toBe(0);
  expect((await server.get(`${path}/kubernetes`)).status).toBe(200);
});

test('Services should complete a service status lifecycle', async () => {
  const path = inDefault('services/status-life');
  await server.post(inDefault('services'), service('status-life', { type: 'LoadBalancer' }));
  const ingress = [{ ip: '203.0.113.1' }];
  const patched = await server.patch(`${path}/status`, merge, { status: { loadBalancer: { ingress } } });
  expect(patched.json.status).toMatchObject({ loadBalancer: { ingress } });
  const condition = {
    type: 'StatusUpdate',
    status: 'True',
    reason: 'E2E',
    message: 'set',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const { json } = await server.get(`${path}/status`);
  const updated = await server.put(`${path}/status`, {
    ...json,
    status: { ...(json.status as object | undefined), conditions: [condition] },
  });
  expect(updated.json.status?.conditions).toEqual([condition]);
  const changed = await server.patch(path, strategic, {
    metadata: { labels: { 'test-service': 'patched' } },
  });
  expect(changed.json.metadata?.labels).toMatchObject({ 'test-service': 'patched' });
  expect((await server.delete(path)).status).toBe(200);
});

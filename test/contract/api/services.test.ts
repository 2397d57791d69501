import { afterEach, expect, test } from 'vitest';
import { createServiceAllocator } from '../../../functions/apiserver/registry/services/allocator.ts';
import { createLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const path = '/api/v1/namespaces/default/services';
const service = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});
let server: TestServer | undefined;
afterEach(() => server?.close());

const held = async (from: TestServer) => ({
  ips: (await from.store.list('networking.k8s.io/ipaddresses', '')).entries.map(({ key }) => key),
  ports: (await from.store.list('kumulus/nodeports', '')).entries.map(({ key }) => Number(key)),
});

test('hands out every address of a range once, and says when it is full', async () => {
  server = await startServer({ serviceCidr: '10.9.0.0/27', nodePortRange: '30000-30004' });
  const from = server;
  // 30 addresses, two of them taken from the start.
  const answers = await Promise.all(Array.from({ length: 28 }, (_, i) => from.post(path, service(`s${i}`))));
  expect(answers.map(({ status }) => status)).toEqual(Array(28).fill(201));
  const ips = new Set(answers.map(({ json }) => json.spec?.clusterIP));
  expect(ips.size).toBe(28);
  expect((await from.post(path, service('full'))).status).toBe(500);
  await from.delete(`${path}/s7`);
  expect((await from.post(path, service('again'))).json.spec?.clusterIP).toBe(
    answers[7]?.json.spec?.clusterIP,
  );
});

test('takes and gives node ports with the type, and leaks nothing', async () => {
  server = await startServer({ nodePortRange: '30000-30003' });
  const before = await held(server);
  const made = await server.post(
    path,
    service('np', { type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] }),
  );
  expect(made.json.spec?.ports?.[0]?.nodePort).toBe(30002);
  const taken = await server.post(
    path,
    service('two', { type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] }),
  );
  expect(taken.status).toBe(422);
  expect(taken.json.message).toContain(
    'spec.ports[0].nodePort: Invalid value: 30002: provided port is already allocated',
  );
  const outside = await server.post(
    path,
    service('two', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
  );
  expect(outside.json.message).toContain('The range of valid ports is 30000-30003');
  const invalid = await server.post(path, service('bad', { type: 'NodePort', ports: [{ port: 0 }] }));
  expect(invalid.status).toBe(422);
  expect((await held(server)).ports).toEqual([30002]);
  const kept = await server.put(`${path}/np`, service('np', { type: 'NodePort' }));
  expect(kept.json.spec).toMatchObject({
    clusterIP: made.json.spec?.clusterIP,
    ports: [{ nodePort: 30002 }],
  });
  const changed = await server.patch(`${path}/np`, 'application/merge-patch+json', {
    spec: { type: 'ClusterIP' },
  });
  expect(changed.json.spec?.ports?.[0]).not.toHaveProperty('nodePort');
  expect((await held(server)).ports).toEqual([]);
  const external = await server.patch(`${path}/np`, 'application/merge-patch+json', {
    spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: '', clusterIPs: null },
  });
  expect(external.status).toBe(200);
  await server.delete(`${path}/np`);
  await server.post(`${path}?dryRun=All`, service('dry', { type: 'NodePort' }));
  expect(await held(server)).toEqual(before);
});

test('keeps headless services headless and asked-for addresses exact', async () => {
  server = await startServer();
  const headless = await server.post(path, service('headless', { clusterIP: 'None' }));
  expect(headless.json.spec?.clusterIPs).toEqual(['None']);
  const exact = await server.post(path, service('exact', { clusterIP: '10.96.0.77' }));
  expect(exact.json.spec?.clusterIP).toBe('10.96.0.77');
  const twice = await server.post(path, service('twice', { clusterIP: '10.96.0.77' }));
  expect(twice.json.message).toContain('provided IP is already allocated');
  const outside = await server.post(path, service('outside', { clusterIP: '10.0.0.5' }));
  expect(outside.status).toBe(422);
  const address = await server.get('/apis/networking.k8s.io/v1/ipaddresses/10.96.0.77');
  expect(address.json.spec?.parentRef).toMatchObject({
    resource: 'services',
    namespace: 'default',
    name: 'exact',
  });
});

test('a crash between address and Service is repaired', async () => {
  server = await startServer();
  const { json } = await server.post(path, service('lost', { type: 'NodePort' }));
  const key = 'default/lost';
  const found = await server.store.get('services', key);
  await server.store.commit('services', [
    { op: 'delete', key, body: found?.body ?? new Uint8Array(), expected: found?.revision ?? 0 },
  ]);
  const log = createLogger('test', 'error');
  let now = Date.now();
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  const cache = openWatchCache({ store: server.store, clock, log });
  const allocator = createServiceAllocator({
    store: server.store,
    cache,
    clock,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
  });
  expect(await allocator.repair()).toBe(0);
  now += 5 * 60_000;
  expect(await allocator.repair()).toBe(2);
  await cache.close();
  expect((await held(server)).ips).not.toContain(json.spec?.clusterIP);
  expect((await held(server)).ports).toEqual([]);
});

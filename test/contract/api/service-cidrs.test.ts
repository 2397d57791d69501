import { afterEach, expect, test } from 'vitest';
import { createServiceAllocator } from '../../../functions/apiserver/registry/services/allocator.ts';
import { createRegistry } from '../../../functions/apiserver/registry/registry.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const path = '/api/v1/namespaces/default/services';
const ranges = '/apis/networking.k8s.io/v1/servicecidrs';
const addresses = '/apis/networking.k8s.io/v1/ipaddresses';
const merge = 'application/merge-patch+json';
const service = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});
const range = (name: string, ...cidrs: string[]) => ({ metadata: { name }, spec: { cidrs } });
const notReady = {
  status: {
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Terminating',
        message: 'going',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  },
};
let server: TestServer | undefined;
afterEach(() => server?.close());

/** 14 addresses, two of which are taken from the start: twelve Services fill the range. */
async function fullServer(): Promise<TestServer> {
  const from = await startServer({ serviceCidr: '10.9.0.0/28' });
  server = from;
  const made = await Promise.all(Array.from({ length: 12 }, (_, i) => from.post(path, service(`s${i}`))));
  expect(made.map(({ status }) => status)).toEqual(Array(12).fill(201));
  return from;
}

test('a further ServiceCIDR gives addresses once the first is full, and none when it is not ready or going', async () => {
  const from = await fullServer();
  const full = await from.post(path, service('full'));
  expect(full).toMatchObject({
    status: 500,
    json: {
      reason: 'InternalError',
      message: 'Internal error occurred: failed to allocate a serviceIP: range is full',
    },
  });
  await from.post(ranges, range('more', '10.9.1.0/28'));
  expect((await from.post(path, service('more'))).json.spec?.clusterIP).toMatch(/^10\.9\.1\.\d+$/);
  expect((await from.patch(`${ranges}/more/status`, merge, notReady)).status).toBe(200);
  expect((await from.post(path, service('two'))).status).toBe(500);
  const asked = service('asked', { clusterIP: '10.9.1.9' });
  expect(await from.post(path, asked)).toMatchObject({
    status: 422,
    json: {
      message:
        'Service "asked" is invalid: spec.clusterIPs: Invalid value: ["10.9.1.9"]: failed to allocate IP 10.9.1.9: the provided network does not match the current range',
    },
  });
  await from.patch(`${ranges}/more/status`, merge, { status: { conditions: null } });
  expect((await from.post(path, asked)).json.spec?.clusterIPs).toEqual(['10.9.1.9']);
  await from.patch(`${ranges}/more`, merge, { metadata: { finalizers: ['example.com/hold'] } });
  await from.delete(`${ranges}/more`);
  expect((await from.post(path, service('three'))).status).toBe(500);
  // What it gave stays with whom it was given to, and comes back when that goes.
  expect((await from.get(`${addresses}/10.9.1.9`)).status).toBe(200);
  await from.delete(`${path}/asked`);
  expect((await from.get(`${addresses}/10.9.1.9`)).status).toBe(404);
});

test('ranges that overlap give each address once', async () => {
  const from = await fullServer();
  await from.post(ranges, range('wider', '10.9.0.0/27'));
  const made = await Promise.all(Array.from({ length: 16 }, (_, i) => from.post(path, service(`w${i}`))));
  expect(made.map(({ status }) => status)).toEqual(Array(16).fill(201));
  expect((await from.post(path, service('full'))).status).toBe(500);
  const { items = [] } = (await from.get(path)).json;
  const ips = items.map(({ spec }) => spec?.clusterIP);
  expect(new Set(ips).size).toBe(ips.length);
  // Of the smaller range this is the broadcast address, of the wider one any other.
  expect(ips).toContain('10.9.0.15');
});

test('several servers on one store never give an address twice', async () => {
  const from = await startServer({ serviceCidr: '10.9.0.0/26', nodePortRange: '30000-30063' });
  server = from;
  const entry = createRegistry().find('', 'v1', 'services');
  if (!entry) throw new Error('no services');
  const log = createLogger('test', 'error');
  const caches = Array.from({ length: 3 }, () =>
    openWatchCache({ store: from.store, clock: systemClock, log }),
  );
  const others = caches.map((cache) =>
    createServiceAllocator({
      store: from.store,
      cache,
      clock: systemClock,
      serviceCidr: '10.9.0.0/26',
      nodePortRange: '30000-30063',
      // All begin their search at the same number.
      random: () => 0,
    }),
  );
  const wanted = Array.from({ length: 60 }, (_, i) => ({
    metadata: { name: `s${i}`, namespace: 'default' },
    spec: { type: 'NodePort', ports: [{ port: 80 }] } as {
      type: string;
      ports: { port: number; nodePort?: number }[];
      clusterIP?: string;
    },
  }));
  await Promise.all(
    wanted.map(async (one, i) => void (await others[i % 3]?.hold(entry, one, undefined, false))),
  );
  expect(new Set(wanted.map(({ spec }) => spec.clusterIP)).size).toBe(60);
  expect(new Set(wanted.map(({ spec }) => spec.ports[0]?.nodePort)).size).toBe(60);
  const held = await from.store.list('networking.k8s.io/ipaddresses', '');
  expect(held.entries).toHaveLength(62);
  for (const cache of caches) await cache.close();
});

test('a cluster of both families gives Services the ones that they ask for', async () => {
  const from = await startServer({ serviceCidr: '10.9.0.0/24,fd00:9::/112' });
  server = from;
  expect((await from.get(`${ranges}/kubernetes`)).json.spec).toEqual({
    cidrs: ['10.9.0.0/24', 'fd00:9::/112'],
  });
  const single = await from.post(path, service('single'));
  expect(single.json.spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  const both = await from.post(path, service('both', { ipFamilyPolicy: 'PreferDualStack' }));
  expect(both.json.spec).toMatchObject({
    ipFamilies: ['IPv4', 'IPv6'],
    clusterIPs: [expect.stringMatching(/^10\.9\.0\./), expect.stringMatching(/^fd00:9::/)],
  });
  const [, second = ''] = both.json.spec?.clusterIPs ?? [];
  const held = await from.get(`${addresses}/${second}`);
  expect(held.json.metadata?.labels).toEqual({
    'ipaddress.kubernetes.io/ip-family': 'IPv6',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  });
  const six = service('six', { ipFamilies: ['IPv6'], clusterIP: 'fd00:9::7' });
  expect((await from.post(path, six)).json.spec).toMatchObject({
    clusterIP: 'fd00:9::7',
    clusterIPs: ['fd00:9::7'],
    ipFamilyPolicy: 'SingleStack',
  });
  const upgraded = await from.patch(`${path}/six`, merge, { spec: { ipFamilyPolicy: 'RequireDualStack' } });
  expect(upgraded.json.spec).toMatchObject({
    ipFamilies: ['IPv6', 'IPv4'],
    clusterIPs: ['fd00:9::7', expect.stringMatching(/^10\.9\.0\./)],
  });
  const refused = await from.patch(`${path}/both`, merge, { spec: { ipFamilies: ['IPv4'] } });
  expect(refused.json.message).toContain(
    'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family',
  );
  const lowered = await from.patch(`${path}/both`, merge, { spec: { ipFamilyPolicy: 'SingleStack' } });
  expect(lowered.json.spec).toMatchObject({ ipFamilies: ['IPv4'], clusterIPs: [expect.any(String)] });
  expect((await from.get(`${addresses}/${second}`)).status).toBe(404);
});

test('a cluster of one family says so to who wants another', async () => {
  const from = await startServer();
  server = from;
  const cases: [object, string][] = [
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [{ ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [
      { clusterIP: 'fd00::1' },
      'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
    ],
  ];
  for (const [spec, message] of cases) {
    expect(await from.post(path, service('no', spec))).toMatchObject({
      status: 422,
      json: { message: `Service "no" is invalid: ${message}` },
    });
  }
  const preferred = await from.post(path, service('prefers', { ipFamilyPolicy: 'PreferDualStack' }));
  expect(preferred.json.spec).toMatchObject({ ipFamilies: ['IPv4'], clusterIPs: [expect.any(String)] });
  // Whose endpoints nobody but its owner keeps may have both.
  const selectorless = await from.post(path, service('selectorless', { clusterIP: 'None' }));
  expect(selectorless.json.spec).toMatchObject({
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'RequireDualStack',
  });
  const selecting = await from.post(path, service('selecting', { clusterIP: 'None', selector: { a: 'b' } }));
  expect(selecting.json.spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
});

test('node ports go by name, are shared by the protocols of a port, and a dry run leaves no trace', async () => {
  const from = await startServer();
  server = from;
  const dns = service('dns', {
    type: 'NodePort',
    ports: [
      { name: 'udp', port: 53, protocol: 'UDP' },
      { name: 'tcp', port: 53, protocol: 'TCP' },
    ],
  });
  const before = await from.store.head('kumulus/nodeports');
  const dry = await from.post(`${path}?dryRun=All`, dns);
  expect(dry.json.spec?.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30000);
  expect(await from.store.head('kumulus/nodeports')).toBe(before);
  const made = await from.post(path, dns);
  const [udp, tcp] = made.json.spec?.ports ?? [];
  expect(udp?.nodePort).toBe(tcp?.nodePort);
  const moved = service('dns', {
    type: 'NodePort',
    ports: [
      { name: 'tcp', port: 5353, protocol: 'TCP' },
      { name: 'other', port: 9, protocol: 'TCP' },
    ],
  });
  const ports = (await from.put(`${path}/dns`, moved)).json.spec?.ports ?? [];
  expect(ports[0]?.nodePort).toBe(tcp?.nodePort);
  expect(ports[1]?.nodePort).not.toBe(tcp?.nodePort);
});

test('an address or a port whose record was deleted is recorded again', async () => {
  const from = await startServer();
  server = from;
  const made = await from.post(path, service('np', { type: 'NodePort' }));
  const ip = made.json.spec?.clusterIP ?? '';
  await from.delete(`${addresses}/${ip}`);
  const cache = openWatchCache({ store: from.store, clock: systemClock, log: createLogger('test', 'error') });
  const allocator = createServiceAllocator({
    store: from.store,
    cache,
    clock: systemClock,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
  });
  expect(await allocator.repair()).toBe(1);
  await cache.close();
  expect((await from.get(`${addresses}/${ip}`)).json.spec?.parentRef).toMatchObject({ name: 'np' });
});

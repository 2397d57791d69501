/** Quotas under many writers, in several API servers that share a store and nothing else. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controllerClients } from '../../../functions/controllers/accounts.ts';
import { type RunningControllers, startControllers } from '../../../functions/controllers/index.ts';
import { type ApiServer, createApiServer } from '../../../functions/apiserver/index.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import {
  configMaps,
  namespaces,
  pods,
  resourceQuotas,
  serviceAccounts,
} from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { createLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import type { Store } from '../../../lib/store/port.ts';
import { apiServerOptions } from '../../unit/controllers/behaviour/api-server-options.ts';
import { eventually } from '../../support/wait.ts';

const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
const stopping = new AbortController();
let dir: string;
let store: Store;
let servers: ApiServer[];
let clients: KubeClient[];
let controllers: RunningControllers;

beforeAll(async () => {
  const clock = systemClock;
  const log = createLogger('test', 'error');
  dir = await mkdtemp(join(tmpdir(), 'kumulus-quota-'));
  store = await openEmbeddedStore({ dir, clock, log });
  const options = await apiServerOptions({ store, clock, log });
  servers = [];
  for (let number = 0; number < 3; number++) servers.push(await createApiServer(options));
  clients = servers.map(({ handle }) => createInProcessClient(handle, admin));
  const first = servers[0] as ApiServer;
  controllers = await startControllers({
    ...controllerClients(first.handle),
    clock,
    log,
    signal: stopping.signal,
    controllers: ['resourcequota', 'serviceaccount', 'garbage-collector'],
  });
}, 240_000);

afterAll(async () => {
  stopping.abort(new Error('the test is over'));
  await controllers.stopped;
  await Promise.all(servers.map((server) => server.close()));
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const clientFor = (index: number) => clients[index % clients.length] as KubeClient;

async function namespaceWith(name: string, hard: Record<string, string>): Promise<void> {
  const client = clientFor(0);
  await client.create(namespaces, { metadata: { name }, spec: {} });
  await eventually('the default account', () =>
    client.get(serviceAccounts, { namespace: name, name: 'default' }),
  );
  await client.create(resourceQuotas, { metadata: { namespace: name, name: 'quota' }, spec: { hard } });
  await used(name, Object.fromEntries(Object.keys(hard).map((resource) => [resource, '0'])));
}

async function used(namespace: string, wanted: Record<string, string>): Promise<void> {
  await eventually(`${namespace} to use ${JSON.stringify(wanted)}`, async () => {
    const { status } = await clientFor(1).get(resourceQuotas, { namespace, name: 'quota' });
    return Object.entries(wanted).every(([resource, amount]) => status?.used?.[resource] === amount);
  });
}

/** Whether it was allowed; any other refusal than the quota's is an error. */
async function attempt(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isKind(error, 'Forbidden') && error.message.includes('exceeded quota: quota')) return false;
    throw error;
  }
}

test('of 50 creators at once as many succeed as the quota allows, and no more', async () => {
  await namespaceWith('creators', { pods: '20', 'requests.cpu': '1', 'count/configmaps': '7' });
  const makePod = (index: number) =>
    attempt(
      clientFor(index).create(pods, {
        metadata: { namespace: 'creators', name: `pod-${index}` },
        spec: { containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu: '100m' } } }] },
      }),
    );
  const makeMap = (index: number) =>
    attempt(
      clientFor(index).create(configMaps, { metadata: { namespace: 'creators', generateName: 'map-' } }),
    );
  const indexes = Array.from({ length: 50 }, (_, index) => index);
  const [podsMade, mapsMade] = await Promise.all([
    Promise.all(indexes.map(makePod)),
    Promise.all(indexes.map(makeMap)),
  ]);
  const allowed = (made: boolean[]) => made.filter(Boolean).length;
  // Ten times 100m is what there is, although 20 pods would be.
  expect([allowed(podsMade), allowed(mapsMade)]).toEqual([10, 7]);
  const found = await clientFor(2).list(pods, { namespace: 'creators' });
  expect(found.items).toHaveLength(10);
  await used('creators', { pods: '10', 'requests.cpu': '1', 'count/configmaps': '7' });
}, 240_000);

test('while objects come and go the limit is never passed, and what is used is true in the end', async () => {
  const limit = 5;
  await namespaceWith('churn', { 'count/configmaps': String(limit) });
  const watching = new AbortController();
  const present = new Set<string>();
  let most = 0;
  const { metadata } = await clientFor(0).list(configMaps, { namespace: 'churn' });
  const watch = (async () => {
    const { resourceVersion } = metadata;
    const events = clientFor(0).watch(configMaps, {
      namespace: 'churn',
      resourceVersion,
      signal: watching.signal,
    });
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') present.delete(event.object.metadata.uid);
      else present.add(event.object.metadata.uid);
      most = Math.max(most, present.size);
    }
  })();
  let made = 0;
  const worker = async (index: number) => {
    for (let turn = 0; turn < 4; turn++) {
      const client = clientFor(index + turn);
      const name = `map-${index}-${turn}`;
      const ref = { namespace: 'churn', name };
      // Refused until others give back what they had.
      await eventually('room', () => attempt(client.create(configMaps, { metadata: ref })), { everyMs: 10 });
      made++;
      await clientFor(index + turn + 1).delete(configMaps, ref);
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, index) => worker(index)));
  expect(made).toBe(48);
  await eventually('all deletions to be seen', () => Promise.resolve(present.size === 0));
  watching.abort();
  await watch;
  expect(most).toBeLessThanOrEqual(limit);
  await eventually(
    'everything to be given back',
    async () => {
      const { status } = await clientFor(1).get(resourceQuotas, { namespace: 'churn', name: 'quota' });
      return status?.used?.['count/configmaps'] === '0';
    },
    { withinMs: 200_000 },
  );
  const { metadata: left } = await clientFor(1).get(resourceQuotas, { namespace: 'churn', name: 'quota' });
  expect(left.annotations).toBeUndefined();
}, 300_000);

test('a write that fails after it was charged is given back', async () => {
  await namespaceWith('failing', { 'count/configmaps': '2' });
  const ref = { namespace: 'failing', name: 'map' };
  await clientFor(0).create(configMaps, { metadata: ref });
  await expect(clientFor(1).create(configMaps, { metadata: ref })).rejects.toThrow('already exists');
  await clientFor(0)
    .create(configMaps, { metadata: ref }, { dryRun: true })
    .catch(() => undefined);
  await eventually(
    'the failed one to be given back',
    async () => {
      const { status, metadata } = await clientFor(1).get(resourceQuotas, {
        namespace: 'failing',
        name: 'quota',
      });
      return status?.used?.['count/configmaps'] === '1' && metadata.annotations === undefined;
    },
    { withinMs: 200_000 },
  );
}, 300_000);

/** A process that has read nothing of the store's log since it last answered must not decide by what was true then. */
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { namespaceLifecycle } from '../../../functions/apiserver/admission/namespace-lifecycle.ts';
import { podSecurity } from '../../../functions/apiserver/admission/pod-security.ts';
import type { AdmissionAttributes } from '../../../functions/apiserver/pipeline/admission.ts';
import { createRegistry } from '../../../functions/apiserver/registry/registry.ts';
import type { AnyObject } from '../../../functions/apiserver/registry/strategy.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache, type WatchCache } from '../../../lib/store/cache/index.ts';
import { storeOver } from '../../../lib/store/delegate.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
let cache: WatchCache;
/** Of the process that sleeps: it reads the log once it has asked for the head. */
let isAsleep = false;
const waking = new EventEmitter();

function wake(): void {
  isAsleep = false;
  waking.emit('wake');
}

beforeAll(async () => {
  server = await startServer();
  const store = storeOver(server.store, {
    head(resource) {
      wake();
      return server.store.head(resource);
    },
    async *watch(resource, from, options) {
      for await (const batch of server.store.watch(resource, from, options)) {
        while (isAsleep) await once(waking, 'wake');
        yield batch;
      }
    },
  });
  cache = openWatchCache({ store, clock: systemClock, log: silentLogger });
  const status = (await server.post('/api/v1/namespaces', { metadata: { name: 'open' } })).status;
  expect(status).toBe(201);
});
afterAll(async () => {
  wake();
  await cache.close();
  await server.close();
});

function creation(namespace: string): AdmissionAttributes {
  const entry = createRegistry().find('', 'v1', 'pods');
  if (!entry) throw new Error('there are no pods');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x' },
    spec: { hostPID: true, containers: [{ name: 'c', image: 'i' }] },
  };
  return {
    operation: 'CREATE',
    entry,
    namespace,
    name: 'x',
    subresource: '',
    object: pod as unknown as AnyObject,
    oldObject: undefined,
    user: { username: 'mallory', groups: [] },
    dryRun: false,
    warnings: [],
    auditAnnotations: {},
    withdrawals: [],
  };
}

async function asleepAfter(change: () => Promise<{ status: number; text: string }>): Promise<void> {
  await cache.list('namespaces');
  isAsleep = true;
  const { status, text } = await change();
  expect(status, text).toBe(200);
}

test('a namespace that was closed to privileged pods meanwhile is closed', async () => {
  const { validate } = podSecurity(cache, systemClock);
  await validate?.(creation('open'));
  const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
  await asleepAfter(() =>
    server.patch('/api/v1/namespaces/open', 'application/merge-patch+json', { metadata: { labels } }),
  );
  await expect(validate?.(creation('open'))).rejects.toThrow('violates PodSecurity "baseline:latest"');
});

test('in a namespace that went meanwhile nothing is made', async () => {
  const { mutate } = namespaceLifecycle(cache);
  await mutate?.(creation('open'));
  await asleepAfter(() => server.delete('/api/v1/namespaces/open'));
  await expect(mutate?.(creation('open'))).rejects.toThrow('because it is being terminated');
});

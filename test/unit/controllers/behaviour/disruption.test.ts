import fc from 'fast-check';
import { expect, test } from 'vitest';
import type {
  Eviction,
  Pod,
  PodDisruptionBudget,
  PodDisruptionBudgetSpec,
} from '../../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { deployments, events, podDisruptionBudgets, pods } from '../../../../lib/client/resources.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import {
  getWeb,
  isReady,
  isRolledOut,
  patchWeb,
  podsIn,
  podTemplate,
  testNamespaceWithAccount,
  webDeployment,
} from './objects.ts';

const names = ['disruption', 'deployment', 'replicaset', 'serviceaccount'];
const ref = { namespace: 'test', name: 'web' };

const createBudget = (client: KubeClient, spec: Partial<PodDisruptionBudgetSpec>) =>
  client.create(podDisruptionBudgets, {
    metadata: ref,
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });

const budget = (client: KubeClient): Promise<Persisted<PodDisruptionBudget>> =>
  client.get(podDisruptionBudgets, ref);

async function evict(client: KubeClient, pod: Persisted<Pod>): Promise<void> {
  const { namespace = '', name } = pod.metadata;
  const eviction: Eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  await client.createSubresource<Eviction, KubeObject>(pods, { namespace, name }, 'eviction', eviction);
}

/** Steps until the budget shows this. */
function settled(cluster: TestCluster, status: object): Promise<unknown> {
  return eventually(
    JSON.stringify(status),
    async () => {
      await cluster.clock.step(100);
      expect((await budget(cluster.client)).status).toMatchObject(status);
      return true;
    },
    { everyMs: 5 },
  );
}

test.each([
  [{ minAvailable: 2 }, 4, { desiredHealthy: 2, disruptionsAllowed: 2 }],
  [{ minAvailable: '30%' }, 4, { desiredHealthy: 2, disruptionsAllowed: 2 }],
  [{ maxUnavailable: 1 }, 4, { desiredHealthy: 3, disruptionsAllowed: 1 }],
  [{ maxUnavailable: '30%' }, 4, { desiredHealthy: 2, disruptionsAllowed: 2 }],
  [{ maxUnavailable: '100%' }, 4, { desiredHealthy: 0, disruptionsAllowed: 4 }],
  [{ minAvailable: 9 }, 4, { desiredHealthy: 9, disruptionsAllowed: 0 }],
])('%j of four pods', async (spec, replicas, status) => {
  await using cluster = await openCluster({ controllers: names });
  const { client, clock, informers } = cluster;
  await addHollowNode(client, informers, clock);
  await testNamespaceWithAccount(client);
  await createBudget(client, spec);
  await settled(cluster, { disruptionsAllowed: 0, expectedPods: 0, observedGeneration: 1 });
  await client.create(deployments, webDeployment({ replicas }));
  await settled(cluster, { currentHealthy: 4, expectedPods: 4, ...status });
  const conditions = (await budget(client)).status?.conditions;
  const isAllowed = status.disruptionsAllowed > 0;
  expect(conditions).toMatchObject([
    {
      type: 'DisruptionAllowed',
      status: isAllowed ? 'True' : 'False',
      reason: isAllowed ? 'SufficientPods' : 'InsufficientPods',
      observedGeneration: 1,
    },
  ]);
});

test('pods that nothing manages are told of, and a budget that cannot be worked out lets nobody go', async () => {
  await using cluster = await openCluster({ controllers: ['disruption', 'serviceaccount'] });
  const { client, clock } = cluster;
  await testNamespaceWithAccount(client);
  await createBudget(client, { maxUnavailable: 1 });
  await client.create(pods, { ...podTemplate('web:1'), metadata: { ...ref, labels: { app: 'web' } } });
  await settled(cluster, { expectedPods: 0, disruptionsAllowed: 0 });
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'gone', uid: 'gone', controller: true },
  ];
  await client.create(pods, {
    ...podTemplate('web:1'),
    metadata: { namespace: 'test', name: 'orphan', labels: { app: 'web' }, ownerReferences },
  });
  await settled(cluster, {
    disruptionsAllowed: 0,
    conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "orphan"' }],
  });
  await eventually('events', async () => {
    await clock.step(1_000);
    const reasons = (await client.list(events, { namespace: 'test' })).items.map(({ reason }) => reason);
    return ['NoPods', 'UnmanagedPods', 'CalculateExpectedPodCountFailed'].every((one) =>
      reasons.includes(one),
    );
  });
});

test('an eviction that was promised and not carried out is forgotten after two minutes', async () => {
  await using cluster = await openCluster({ controllers: names });
  const { client, clock, informers } = cluster;
  await addHollowNode(client, informers, clock);
  await testNamespaceWithAccount(client);
  await client.create(deployments, webDeployment({ replicas: 3 }));
  await createBudget(client, { maxUnavailable: 1 });
  await settled(cluster, { disruptionsAllowed: 1 });
  const [pod] = await podsIn(client);
  const current = await budget(client);
  const at = rfc3339(clock.now());
  const promised = { ...current.status, disruptedPods: { [pod?.metadata.name ?? '']: at } };
  await client.update(podDisruptionBudgets, { ...current, status: promised }, { subresource: 'status' });
  await settled(cluster, {
    disruptionsAllowed: 0,
    currentHealthy: 2,
    disruptedPods: { [pod?.metadata.name ?? '']: at },
  });
  await clock.step(121_000);
  await settled(cluster, { disruptionsAllowed: 1, currentHealthy: 3 });
  expect((await budget(client)).status?.disruptedPods).toBeUndefined();
});

test('a disruption that was announced on a pod and did not come is taken back', async () => {
  await using cluster = await openCluster({ controllers: ['disruption', 'serviceaccount'] });
  const { client, clock } = cluster;
  await testNamespaceWithAccount(client);
  const pod = await client.create(pods, { ...podTemplate('web:1'), metadata: ref });
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    lastTransitionTime: rfc3339(clock.now()),
  };
  const status = { ...pod.status, conditions: [condition] };
  await client.update(pods, { ...pod, status }, { subresource: 'status' });
  const shown = async () =>
    (await client.get(pods, ref)).status?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.status;
  await clock.step(100_000);
  expect(await shown()).toBe('True');
  await eventually('taken back', async () => {
    await clock.step(30_000);
    return (await shown()) === 'False';
  });
});

test('evictions never leave fewer ready pods than the budget demands, wherever the controller dies', async () => {
  const step = fc.oneof(
    fc.record({ act: fc.constant('evict' as const), pod: fc.nat(9), times: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ act: fc.constant('scale' as const), replicas: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ act: fc.constant('wait' as const), ms: fc.constantFrom(0, 100, 5_000) }),
    fc.record({ act: fc.constant('restart' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { minLength: 3, maxLength: 12 }),
      async (minAvailable, steps) => {
        await using cluster = await openCluster({ controllers: names });
        const { client, clock, informers } = cluster;
        const node = await addHollowNode(client, informers, clock);
        await testNamespaceWithAccount(client);
        await client.create(deployments, webDeployment({ replicas: 5 }));
        await createBudget(client, { minAvailable });
        const broken: number[] = [];
        for (const one of steps) {
          if (one.act === 'restart') await cluster.restart();
          else if (one.act === 'wait') await clock.step(one.ms);
          else if (one.act === 'scale') {
            await patchWeb(client, { replicas: one.replicas });
            await eventually('scaled', async () => {
              await clock.step(500);
              return isRolledOut(await getWeb(client));
            });
          } else {
            const all = await podsIn(client);
            const targets = Array.from(
              { length: one.times },
              (_, i) => all[(one.pod + i) % (all.length || 1)],
            );
            const before = all.filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length;
            const results = await Promise.all(
              targets
                .filter((pod) => pod !== undefined)
                .map((pod) =>
                  evict(client, pod).then(
                    () => 1,
                    (error: unknown) => {
                      if (isKind(error, 'TooManyRequests', 'NotFound', 'Conflict')) return 0;
                      throw error;
                    },
                  ),
                ),
            );
            const evicted = results.reduce<number>((sum, taken) => sum + taken, 0);
            // What was ready when the evictions began, less what they took, is what they left.
            const counted = targets.filter(
              (pod) => pod && isReady(pod) && !pod.metadata.deletionTimestamp,
            ).length;
            const left = before - Math.min(evicted, counted);
            if (evicted > 0 && counted > 0 && left < Math.min(minAvailable, before)) broken.push(left);
          }
        }
        expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
      },
    ),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 10), endOnFailure: true },
  );
}, 300_000);

import { expect, test } from 'vitest';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { deployments, events, podDisruptionBudgets, pods } from '../../../../lib/client/resources.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import { podsIn, podTemplate, testNamespaceWithAccount, webDeployment } from './objects.ts';

const names = ['disruption', 'deployment', 'replicaset', 'serviceaccount'];
const ref = { namespace: 'test', name: 'web' };

const createBudget = (client: KubeClient, spec: Partial<PodDisruptionBudgetSpec>) =>
  client.create(podDisruptionBudgets, {
    metadata: ref,
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  });

const budget = (client: KubeClient): Promise<Persisted<PodDisruptionBudget>> =>
  client.get(podDisruptionBudgets, ref);

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

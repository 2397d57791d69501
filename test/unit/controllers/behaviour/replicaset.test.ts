import { describe, expect, test } from 'vitest';
import { events, pods, replicaSets } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import { podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';

const set = (replicas: number) => ({
  metadata: { name: 'web', namespace: 'test' },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web:1') },
});

async function openWithNode() {
  const cluster = await openCluster({ controllers: ['*', '-node-lifecycle'] });
  await addHollowNode(cluster.client, cluster.informers, cluster.clock);
  await testNamespaceWithAccount(cluster.client);
  return cluster;
}

describe('a ReplicaSet', () => {
  test('replaces a pod that was deleted, and says what it created', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(replicaSets, set(2));
    const [first] = await eventually('two pods', async () => {
      const all = await podsIn(client);
      return all.length === 2 && all;
    });
    await client.delete(pods, { namespace: 'test', name: first?.metadata.name ?? '' });
    await eventually('another in its place', async () => {
      const all = await podsIn(client);
      return all.length === 2 && all.every(({ metadata }) => metadata.uid !== first?.metadata.uid);
    });
    await eventually('an event a pod', async () => {
      const messages = (await client.list(events, { namespace: 'test' })).items.filter(
        ({ reason }) => reason === 'SuccessfulCreate',
      );
      return messages.reduce((sum, { count }) => sum + (count ?? 1), 0) === 3 && messages;
    });
  });

  test('adopts an orphan that it selects, and lets go of a pod whose labels changed', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    const orphan = await client.create(pods, {
      metadata: { name: 'orphan', namespace: 'test', labels: { app: 'web' } },
      spec: podTemplate('web:1').spec,
    });
    const owner = await client.create(replicaSets, set(2));
    const ref = { namespace: 'test', name: 'orphan' };
    await eventually(
      'adopted',
      async () => (await client.get(pods, ref)).metadata.ownerReferences?.[0]?.uid === owner.metadata.uid,
    );
    await eventually('two pods', async () => (await podsIn(client)).length === 2);
    await client.patch(pods, ref, { type: 'merge', patch: { metadata: { labels: { app: 'other' } } } });
    await eventually('released', async () => !(await client.get(pods, ref)).metadata.ownerReferences?.length);
    await eventually('another in its place', async () => (await podsIn(client)).length === 3);
    expect((await client.get(pods, ref)).metadata.uid).toBe(orphan.metadata.uid);
  });

  test('deletes those that cost least when it is scaled down', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(replicaSets, set(4));
    const all = await eventually('four pods', async () => {
      const found = await podsIn(client);
      return found.length === 4 && found.every(({ status }) => status?.phase === 'Running') && found;
    });
    const cheap = all.slice(1, 3).map(({ metadata }) => metadata.name);
    for (const name of cheap) {
      const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-1' };
      await client.patch(
        pods,
        { namespace: 'test', name },
        { type: 'merge', patch: { metadata: { annotations } } },
      );
    }
    await client.patch(
      replicaSets,
      { namespace: 'test', name: 'web' },
      { type: 'merge', patch: { spec: { replicas: 2 } } },
    );
    const left = await eventually('two pods', async () => {
      const found = await podsIn(client);
      return found.length === 2 && found;
    });
    expect(left.filter(({ metadata }) => cheap.includes(metadata.name))).toEqual([]);
  });

  test('counts a pod as available after minReadySeconds', async () => {
    await using cluster = await openWithNode();
    const { client, clock } = cluster;
    await client.create(replicaSets, { ...set(1), spec: { ...set(1).spec, minReadySeconds: 30 } });
    const status = async () => (await client.get(replicaSets, { namespace: 'test', name: 'web' })).status;
    await eventually('ready', async () => (await status())?.readyReplicas === 1);
    expect((await status())?.availableReplicas ?? 0).toBe(0);
    await clock.step(29_000);
    await cluster.controllers.queue.idle();
    expect((await status())?.availableReplicas ?? 0).toBe(0);
    await eventually('available', async () => {
      await clock.step(1_000);
      return (await status())?.availableReplicas === 1;
    });
  });

  test('that is deleted takes its pods along', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(replicaSets, set(3));
    await eventually('three pods', async () => (await podsIn(client)).length === 3);
    await client.delete(replicaSets, { namespace: 'test', name: 'web' });
    await eventually('none', async () => (await podsIn(client)).length === 0);
  });
});

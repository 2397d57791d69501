import { describe, expect, test } from 'vitest';
import { events, leases, nodes, pods } from '../../../../lib/client/resources.ts';
import { rfc3339Micro } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import { conditionOf, isReady, testNamespaceWithAccount } from './objects.ts';

async function runPod({ client }: TestCluster, name: string, tolerations: object[] = []): Promise<void> {
  await client.create(pods, {
    metadata: { name, namespace: 'test' },
    spec: { containers: [{ name: 'c', image: 'i' }], tolerations },
  });
  await eventually('it runs', async () => isReady(await client.get(pods, { namespace: 'test', name })));
}

function isGone({ client }: TestCluster, name: string): Promise<boolean> {
  return client.get(pods, { namespace: 'test', name }).then(
    (pod) => pod.metadata.deletionTimestamp !== undefined,
    (error: unknown) => isKind(error, 'NotFound'),
  );
}

describe('nodes', () => {
  test('get a range of their own each, also across restarts', async () => {
    await using cluster = await openCluster({
      controllers: ['node-ipam'],
      cluster: { clusterCidr: '10.244.0.0/22' },
    });
    const { client } = cluster;
    const ranges = async () =>
      (await client.list(nodes)).items
        .map(({ spec }) => spec?.podCIDR)
        .filter((range) => range !== undefined)
        .sort((a, b) => (a < b ? -1 : 1));
    await Promise.all(['a', 'b'].map((name) => client.create(nodes, { metadata: { name }, spec: {} })));
    await eventually('two ranges', async () => (await ranges()).length === 2);
    await cluster.restart();
    await client.delete(nodes, { name: 'a' });
    await Promise.all(
      ['c', 'd', 'e', 'f'].map((name) => client.create(nodes, { metadata: { name }, spec: {} })),
    );
    await eventually('four ranges, and no more', async () => (await ranges()).length === 4);
    await cluster.controllers.queue.idle();
    expect(await ranges()).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24']);
  });

  test('that fall silent become Unknown and unreachable, their pods not ready, and they come back', async () => {
    await using cluster = await openCluster({ controllers: ['node-lifecycle', 'serviceaccount'] });
    const { client, clock, informers } = cluster;
    await testNamespaceWithAccount(client);
    await addHollowNode(client, informers, clock);
    await runPod(cluster, 'p');
    const get = () => client.get(nodes, { name: 'hollow-1' });
    const lease = await client.create(leases, {
      metadata: { name: 'hollow-1', namespace: 'kube-node-lease' },
      spec: {
        holderIdentity: 'hollow-1',
        leaseDurationSeconds: 40,
        renewTime: rfc3339Micro(clock.now() + 30_000),
      },
    });
    await clock.step(60_000);
    await cluster.controllers.queue.idle();
    expect(conditionOf(await get(), 'Ready')).toMatchObject({ status: 'True' });
    await clock.step(21_000);
    const silent = await eventually('unknown', async () => {
      const node = await get();
      return node.spec?.taints?.length ? node : undefined;
    });
    expect(conditionOf(silent, 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(conditionOf(silent, 'MemoryPressure')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
    });
    // The only node there is: nobody is driven off.
    expect(silent.spec?.taints).toMatchObject([
      { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
    ]);
    await eventually(
      'the pod is not ready',
      async () => !isReady(await client.get(pods, { namespace: 'test', name: 'p' })),
    );
    const conditions = silent.status?.conditions?.map((condition) => ({
      ...condition,
      status: condition.type === 'Ready' ? 'True' : 'False',
    }));
    await client.update(leases, { ...lease, spec: { ...lease.spec, renewTime: rfc3339Micro(clock.now()) } });
    await client.patch(
      nodes,
      { name: 'hollow-1' },
      { type: 'strategic', patch: { status: { conditions } } },
      { subresource: 'status' },
    );
    await eventually('no taint', async () => !(await get()).spec?.taints?.length);
  });

  test('that come and go are told of, and not again by a controller that starts', async () => {
    await using cluster = await openCluster({ controllers: ['node-lifecycle', 'serviceaccount'] });
    const { client, clock } = cluster;
    const add = (name: string) => client.create(nodes, { metadata: { name }, spec: {} });
    const told = (reason: string, name: string) =>
      eventually(`${reason} of ${name}`, async () => {
        await clock.step(1_000);
        const { items } = await client.list(events);
        return items.find((event) => event.reason === reason && event.involvedObject.name === name);
      });
    const { uid } = (await add('guest')).metadata;
    await add('resident');
    expect(await told('RegisteredNode', 'guest')).toMatchObject({
      type: 'Normal',
      message: 'Node guest event: Registered Node guest in Controller',
      source: { component: 'node-controller' },
      involvedObject: { apiVersion: 'v1', kind: 'Node', name: 'guest', uid },
    });
    await told('RegisteredNode', 'resident');
    await client.delete(nodes, { name: 'guest' });
    expect(await told('RemovingNode', 'guest')).toMatchObject({
      type: 'Normal',
      message: 'Node guest event: Removing Node guest from Controller',
      involvedObject: { kind: 'Node', name: 'guest', uid },
    });
    await clock.step(120_000);
    await cluster.restart();
    await add('late');
    await told('RegisteredNode', 'late');
    expect(await told('RegisteredNode', 'resident')).toMatchObject({ count: 1 });
  });

  test('one of two that falls silent is emptied, as far as pods do not tolerate it', async () => {
    await using cluster = await openCluster({
      controllers: ['node-lifecycle', 'taint-eviction', 'serviceaccount'],
    });
    const { client, clock, informers } = cluster;
    await testNamespaceWithAccount(client);
    await addHollowNode(client, informers, clock);
    const key = 'node.kubernetes.io/unreachable';
    await runPod(cluster, 'hasty', [{ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 }]);
    // Admission lets every pod stay for 300 s.
    await runPod(cluster, 'patient');
    await runPod(cluster, 'steadfast', [{ operator: 'Exists' }]);
    const other = await client.create(nodes, { metadata: { name: 'other' }, spec: {} });
    const beat = async () => {
      const ready = {
        type: 'Ready',
        status: 'True',
        lastHeartbeatTime: rfc3339Micro(clock.now()).replace(/\.\d+/, ''),
      };
      await client.patch(
        nodes,
        { name: other.metadata.name },
        { type: 'strategic', patch: { status: { conditions: [ready] } } },
        { subresource: 'status' },
      );
    };
    const stepWithBeats = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 10_000) {
        await beat();
        await clock.step(10_000);
        await cluster.controllers.queue.idle();
      }
    };
    await stepWithBeats(70_000);
    await eventually('the hasty pod goes', () => isGone(cluster, 'hasty'));
    const taints = (await client.get(nodes, { name: 'hollow-1' })).spec?.taints;
    expect(taints?.map((taint) => `${taint.key}:${taint.effect}`)).toEqual([
      `${key}:NoSchedule`,
      `${key}:NoExecute`,
    ]);
    await stepWithBeats(200_000);
    expect(await isGone(cluster, 'patient')).toBe(false);
    await stepWithBeats(120_000);
    await eventually('the patient pod goes', () => isGone(cluster, 'patient'));
    expect(await isGone(cluster, 'steadfast')).toBe(false);
  });

  test('pods of a node that is gone go after a while', async () => {
    await using cluster = await openCluster({ controllers: ['pod-garbage-collector', 'serviceaccount'] });
    const { client, clock, informers } = cluster;
    await testNamespaceWithAccount(client);
    await addHollowNode(client, informers, clock);
    await runPod(cluster, 'p');
    await client.delete(nodes, { name: 'hollow-1' });
    await eventually('gone', async () => {
      await clock.step(10_000);
      return isGone(cluster, 'p');
    });
  });
});

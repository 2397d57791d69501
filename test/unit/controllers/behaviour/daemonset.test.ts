import { describe, expect, test } from 'vitest';
import type { DaemonSet, DaemonSetSpec, Pod } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { controllerRevisions, daemonSets, events, nodes, pods } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { addHollowNode, type HollowNode } from './hollow-node.ts';
import { imageOf, isReady, podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';

const ref = { namespace: 'test', name: 'web' };

function set(spec: Partial<DaemonSetSpec> = {}): DaemonSet {
  return {
    metadata: { ...ref },
    spec: { selector: { matchLabels: { app: 'web' } }, template: podTemplate('web:1'), ...spec },
  };
}

async function openWithNodes(count = 3): Promise<TestCluster & { hollow: HollowNode[] }> {
  const cluster = await openCluster({ controllers: ['daemonset', 'garbage-collector', 'serviceaccount'] });
  const hollow: HollowNode[] = [];
  for (let number = 1; number <= count; number++) {
    hollow.push(await addHollowNode(cluster.client, cluster.informers, cluster.clock, `node-${number}`));
  }
  for (const { name } of hollow) await setTaints(cluster.client, name, []);
  await testNamespaceWithAccount(cluster.client);
  return Object.assign(cluster, { hollow });
}

async function setTaints(client: KubeClient, name: string, taints: object[]): Promise<void> {
  await client.patch(nodes, { name }, { type: 'merge', patch: { spec: { taints } } });
}

async function living(client: KubeClient): Promise<Persisted<Pod>[]> {
  return (await podsIn(client)).filter(({ metadata }) => !metadata.deletionTimestamp);
}

async function nodesWithPods(client: KubeClient): Promise<string> {
  const names = (await living(client)).map(({ spec }) => spec.nodeName ?? '?');
  return names.sort().join();
}

function patch(client: KubeClient, spec: object): Promise<Persisted<DaemonSet>> {
  return client.patch(daemonSets, ref, { type: 'merge', patch: { spec } });
}

function settled(client: KubeClient): Promise<Persisted<DaemonSet>> {
  return eventually('the set to be as it should', async () => {
    const found = await client.get(daemonSets, ref);
    const { status } = found;
    const wanted = status?.desiredNumberScheduled;
    const isSettled =
      status?.observedGeneration === found.metadata.generation &&
      status?.updatedNumberScheduled === wanted &&
      status?.numberAvailable === wanted;
    return isSettled && found;
  });
}

describe('a DaemonSet', () => {
  test('has a pod on every node, bound by the scheduler', async () => {
    await using cluster = await openWithNodes();
    const { client } = cluster;
    await client.create(daemonSets, set());
    const { status } = await settled(client);
    expect(status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      numberMisscheduled: 0,
    });
    expect(await nodesWithPods(client)).toBe('node-1,node-2,node-3');
    const [pod] = await living(client);
    expect(pod?.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
      nodeSelectorTerms: [
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: [pod?.spec.nodeName] }] },
      ],
    });
    expect(pod?.spec.tolerations).toContainEqual({
      key: 'node.kubernetes.io/unreachable',
      operator: 'Exists',
      effect: 'NoExecute',
    });
    await addHollowNode(client, cluster.informers, cluster.clock, 'node-4');
    await setTaints(client, 'node-4', []);
    await eventually('a pod on the new node', async () => (await nodesWithPods(client)).includes('node-4'));
  });

  test('follows labels and taints of nodes', async () => {
    await using cluster = await openWithNodes();
    const { client } = cluster;
    const label = (name: string, color: string | null) =>
      client.patch(nodes, { name }, { type: 'merge', patch: { metadata: { labels: { color } } } });
    await label('node-1', 'green');
    const template = podTemplate('web:1');
    await client.create(
      daemonSets,
      set({ template: { ...template, spec: { ...template.spec, nodeSelector: { color: 'green' } } } }),
    );
    await settled(client);
    expect(await nodesWithPods(client)).toBe('node-1');
    await label('node-2', 'green');
    await eventually('another', async () => (await nodesWithPods(client)) === 'node-1,node-2');
    await label('node-1', null);
    await eventually('one gone', async () => (await nodesWithPods(client)) === 'node-2');
    await label('node-3', 'green');
    await eventually('one more', async () => (await nodesWithPods(client)) === 'node-2,node-3');
    // What must not begin may stay, what drives away does.
    await setTaints(client, 'node-2', [{ key: 'a', effect: 'NoSchedule' }]);
    await eventually('one astray', async () => {
      const { status } = await client.get(daemonSets, ref);
      return status?.numberMisscheduled === 1 && status.desiredNumberScheduled === 1;
    });
    expect(await nodesWithPods(client)).toBe('node-2,node-3');
    await setTaints(client, 'node-2', [{ key: 'a', effect: 'NoExecute' }]);
    await eventually('driven away', async () => (await nodesWithPods(client)) === 'node-3');
  });

  test('replaces a failed pod, and after a while only when it fails again', async () => {
    await using cluster = await openWithNodes(1);
    const { client, clock } = cluster;
    await client.create(daemonSets, set());
    await settled(client);
    const fail = async () => {
      const [pod] = await living(client);
      const name = pod?.metadata.name ?? '';
      const status = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'False' }] };
      await client.patch(
        pods,
        { namespace: 'test', name },
        { type: 'strategic', patch: { status } },
        { subresource: 'status' },
      );
      return pod?.metadata.uid;
    };
    const replaced = (uid: string | undefined) =>
      eventually('another', async () => {
        const [pod] = await living(client);
        return pod !== undefined && pod.metadata.uid !== uid && isReady(pod);
      });
    await replaced(await fail());
    const again = await fail();
    await eventually('it to be seen', async () => {
      const { status } = await client.get(daemonSets, ref);
      return status?.numberUnavailable === 1;
    });
    await cluster.controllers.queue.idle();
    expect((await living(client))[0]?.metadata.uid).toBe(again);
    await clock.step(1_000);
    await replaced(again);
    await eventually('events', async () => {
      const { items } = await client.list(events, { namespace: 'test' });
      return items.some(({ reason }) => reason === 'FailedDaemonPod');
    });
  });

  test('rolls out node by node, and keeps history', async () => {
    await using cluster = await openWithNodes();
    const { client, hollow } = cluster;
    await client.create(daemonSets, set());
    const first = await settled(client);
    expect(first.metadata.annotations?.['deprecated.daemonset.template.generation']).toBe('1');
    for (const node of hollow) node.accept = (pod) => imageOf(pod) !== 'web:2';
    await patch(client, { template: podTemplate('web:2') });
    await eventually('one of the new', async () =>
      (await living(client)).some((pod) => imageOf(pod) === 'web:2'),
    );
    await cluster.controllers.queue.idle();
    expect((await living(client)).filter((pod) => imageOf(pod) === 'web:1' && isReady(pod))).toHaveLength(2);
    // Back again: the pod that was not ready is replaced, the others stay.
    const kept = (await living(client)).filter(isReady).map(({ metadata }) => metadata.uid);
    await patch(client, { template: podTemplate('web:1') });
    await settled(client);
    const now = (await living(client)).map(({ metadata }) => metadata.uid);
    expect(now).toEqual(expect.arrayContaining(kept));
    const { items } = await client.list(controllerRevisions, { namespace: 'test' });
    expect(items.map(({ revision }) => revision).sort((a, b) => a - b)).toEqual([2, 3]);
  });

  test('surges where it is told so: the old pod goes when the new one is available', async () => {
    await using cluster = await openWithNodes();
    const { client, hollow } = cluster;
    const rollingUpdate = { maxSurge: 1, maxUnavailable: 0 };
    await client.create(daemonSets, set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } }));
    await settled(client);
    for (const node of hollow) node.accept = (pod) => imageOf(pod) !== 'web:2';
    await patch(client, { template: podTemplate('web:2') });
    await eventually('one more', async () => (await living(client)).length === 4);
    await cluster.controllers.queue.idle();
    const all = await living(client);
    expect(all.filter((pod) => imageOf(pod) === 'web:1' && isReady(pod))).toHaveLength(3);
    expect(all).toHaveLength(4);
    for (const node of hollow) node.accept = () => true;
    await patch(client, { template: podTemplate('web:3') });
    await settled(client);
    await eventually('three', async () => (await living(client)).map(imageOf).join() === 'web:3,web:3,web:3');
  });

  test('leaves pods alone until they are deleted where it is told so', async () => {
    await using cluster = await openWithNodes(2);
    const { client } = cluster;
    await client.create(daemonSets, set({ updateStrategy: { type: 'OnDelete' } }));
    await settled(client);
    await patch(client, { template: podTemplate('web:2') });
    await eventually('it to be seen', async () => {
      const { metadata, status } = await client.get(daemonSets, ref);
      return (
        status?.observedGeneration === metadata.generation && (status?.updatedNumberScheduled ?? 0) === 0
      );
    });
    await cluster.controllers.queue.idle();
    const [pod] = await living(client);
    expect((await living(client)).map(imageOf)).toEqual(['web:1', 'web:1']);
    await client.delete(pods, { namespace: 'test', name: pod?.metadata.name ?? '' });
    await eventually('one of each', async () => {
      const images = new Set((await living(client)).map(imageOf));
      return images.size === 2;
    });
  });

  test('takes what waits for a node that is gone away, and goes with its pods', async () => {
    await using cluster = await openWithNodes(1);
    const { client } = cluster;
    await client.create(nodes, { metadata: { name: 'silent' }, spec: {} });
    await setTaints(client, 'silent', []);
    await client.create(daemonSets, set());
    await eventually('two pods', async () => (await living(client)).length === 2);
    await client.delete(nodes, { name: 'silent' });
    await eventually('one pod', async () => (await nodesWithPods(client)) === 'node-1');
    await client.delete(daemonSets, ref);
    await eventually('none', async () => (await podsIn(client)).length === 0);
  });
});

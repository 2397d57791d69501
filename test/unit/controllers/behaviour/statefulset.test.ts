import { describe, expect, test } from 'vitest';
import type { StatefulSet, StatefulSetSpec } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import {
  controllerRevisions,
  events,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { addHollowNode, type HollowNode } from './hollow-node.ts';
import { imageOf, isReady, podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';

const ref = { namespace: 'test', name: 'web' };

function set(spec: Partial<StatefulSetSpec> = {}): StatefulSet {
  return {
    metadata: { ...ref },
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: podTemplate('web:1'),
      ...spec,
    },
  };
}

const data = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

async function openWithNode(): Promise<TestCluster & { node: HollowNode }> {
  const cluster = await openCluster({
    controllers: ['statefulset', 'garbage-collector', 'serviceaccount'],
  });
  const node = await addHollowNode(cluster.client, cluster.informers, cluster.clock);
  await testNamespaceWithAccount(cluster.client);
  return Object.assign(cluster, { node });
}

async function namesIn(client: KubeClient): Promise<string[]> {
  return (await podsIn(client)).map(({ metadata }) => metadata.name).sort();
}

/** Finishes deletions as whoever protects claims in use does once no pod uses them. */
async function claimNames(client: KubeClient): Promise<string[]> {
  const { items } = await client.list(persistentVolumeClaims, { namespace: 'test' });
  for (const { metadata } of items) {
    if (!metadata.deletionTimestamp || !metadata.finalizers) continue;
    const released = { metadata: { finalizers: null } };
    const { namespace, name } = metadata;
    await client.patch(persistentVolumeClaims, { namespace, name }, { type: 'merge', patch: released });
  }
  return items.map(({ metadata }) => metadata.name).sort();
}

function patch(client: KubeClient, spec: object): Promise<Persisted<StatefulSet>> {
  return client.patch(statefulSets, ref, { type: 'merge', patch: { spec } });
}

/** Waits until the set says that it is as it was asked to be. */
function settled(client: KubeClient): Promise<Persisted<StatefulSet>> {
  return eventually('the set to be as it should', async () => {
    const found = await client.get(statefulSets, ref);
    const { observedGeneration, replicas = 0, readyReplicas = 0 } = found.status ?? {};
    const wanted = found.spec.replicas;
    const isSettled =
      observedGeneration === found.metadata.generation && replicas === wanted && readyReplicas === wanted;
    return isSettled && found;
  });
}

describe('a StatefulSet', () => {
  test('makes pods one after the other, each with an identity of its own', async () => {
    await using cluster = await openWithNode();
    const { client, node } = cluster;
    node.accept = ({ metadata }) => metadata.name !== 'web-1';
    await client.create(statefulSets, set());
    await eventually('the second pod', async () => (await namesIn(client)).length === 2);
    await cluster.controllers.queue.idle();
    expect(await namesIn(client)).toEqual(['web-0', 'web-1']);
    node.accept = () => true;
    await client.delete(pods, { namespace: 'test', name: 'web-1' });
    await settled(client);
    expect(await namesIn(client)).toEqual(['web-0', 'web-1', 'web-2']);
    const { metadata, spec } = await client.get(pods, { namespace: 'test', name: 'web-2' });
    expect(metadata.labels).toMatchObject({
      app: 'web',
      'apps.kubernetes.io/pod-index': '2',
      'statefulset.kubernetes.io/pod-name': 'web-2',
    });
    expect([spec.hostname, spec.subdomain]).toEqual(['web-2', 'web']);
    const found = await eventually('its events', async () => {
      const { items } = await client.list(events, { namespace: 'test' });
      return (
        items.some(({ message }) => message === 'create Pod web-2 in StatefulSet web successful') && items
      );
    });
    expect(new Set(found.map(({ reason }) => reason))).toEqual(new Set(['SuccessfulCreate']));
  });

  test('takes pods away from the highest ordinal down', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set());
    await settled(client);
    await client.patch(
      pods,
      { namespace: 'test', name: 'web-2' },
      { type: 'merge', patch: { metadata: { finalizers: ['example.com/hold'] } } },
    );
    await patch(client, { replicas: 1 });
    await eventually('the last pod to go', async () => {
      const pod = await client.get(pods, { namespace: 'test', name: 'web-2' });
      return pod.metadata.deletionTimestamp;
    });
    await cluster.controllers.queue.idle();
    const other = await client.get(pods, { namespace: 'test', name: 'web-1' });
    expect(other.metadata.deletionTimestamp).toBeUndefined();
    await client.patch(
      pods,
      { namespace: 'test', name: 'web-2' },
      { type: 'merge', patch: { metadata: { finalizers: null } } },
    );
    await eventually('one pod', async () => (await namesIn(client)).join() === 'web-0');
  });

  test('starts at the ordinal that it is told', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set({ replicas: 2, ordinals: { start: 5 } }));
    await settled(client);
    expect(await namesIn(client)).toEqual(['web-5', 'web-6']);
    await patch(client, { ordinals: { start: 6 } });
    await eventually('a shift', async () => (await namesIn(client)).join() === 'web-6,web-7');
  });

  test('does not wait for others where it is parallel', async () => {
    await using cluster = await openWithNode();
    const { client, node } = cluster;
    node.accept = () => false;
    await client.create(statefulSets, set({ replicas: 4, podManagementPolicy: 'Parallel' }));
    await eventually('four pods', async () => (await namesIn(client)).length === 4);
    await patch(client, { replicas: 0 });
    await eventually('none', async () => (await namesIn(client)).length === 0);
  });

  test('rolls a template out down to the partition, and back', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set());
    const first = await settled(client);
    expect(first.status).toMatchObject({ currentReplicas: 3, updatedReplicas: 3, availableReplicas: 3 });
    expect(first.status?.currentRevision).toBe(first.status?.updateRevision);
    await patch(client, {
      template: podTemplate('web:2'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
    });
    const images = async () => (await podsIn(client)).filter(isReady).map(imageOf).join();
    await eventually('the canary', async () => (await images()) === 'web:1,web:1,web:2');
    const canary = await eventually('its count', async () => {
      const found = await client.get(statefulSets, ref);
      return found.status?.updatedReplicas === 1 && found.status.readyReplicas === 3 && found;
    });
    expect(canary.status?.currentRevision).toBe(first.status?.currentRevision);
    expect(canary.status?.updateRevision).not.toBe(first.status?.currentRevision);
    // A pod below the partition comes back as it was.
    await client.delete(pods, { namespace: 'test', name: 'web-0' });
    await settled(client);
    await eventually('the old image', async () => (await images()) === 'web:1,web:1,web:2');
    await patch(client, { updateStrategy: { rollingUpdate: { partition: 0 } } });
    await eventually('the rollout', async () => (await images()) === 'web:2,web:2,web:2');
    await patch(client, { template: podTemplate('web:1') });
    await eventually('the rollback', async () => (await images()) === 'web:1,web:1,web:1');
    const { items } = await client.list(controllerRevisions, { namespace: 'test' });
    expect(items.map(({ revision }) => revision).sort((a, b) => a - b)).toEqual([2, 3]);
    const last = await settled(client);
    expect(last.status?.updateRevision).toBe(first.status?.updateRevision);
  });

  test('leaves pods alone until they are deleted where it is told so', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set({ replicas: 2, updateStrategy: { type: 'OnDelete' } }));
    await settled(client);
    await patch(client, { template: podTemplate('web:2') });
    await eventually('a revision', async () => {
      const { status } = await client.get(statefulSets, ref);
      return status?.updateRevision !== status?.currentRevision;
    });
    await cluster.controllers.queue.idle();
    expect((await podsIn(client)).map(imageOf)).toEqual(['web:1', 'web:1']);
    await client.delete(pods, { namespace: 'test', name: 'web-1' });
    await eventually('the new one', async () => (await podsIn(client)).map(imageOf).join() === 'web:1,web:2');
  });

  test('replaces pods that have ended', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set({ replicas: 1 }));
    await settled(client);
    const [before] = await podsIn(client);
    const status = { phase: 'Failed', reason: 'Evicted' };
    const name = { namespace: 'test', name: 'web-0' };
    await client.patch(pods, name, { type: 'strategic', patch: { status } }, { subresource: 'status' });
    await eventually('another in its place', async () => {
      const [now] = await podsIn(client);
      return now !== undefined && now.metadata.uid !== before?.metadata.uid && isReady(now);
    });
  });

  test('waits for pods to be available, not only ready', async () => {
    await using cluster = await openWithNode();
    const { client, clock } = cluster;
    await client.create(statefulSets, set({ replicas: 2, minReadySeconds: 10 }));
    await eventually('a ready pod', async () => (await podsIn(client)).some(isReady));
    await cluster.controllers.queue.idle();
    expect(await namesIn(client)).toEqual(['web-0']);
    await eventually('the second', async () => {
      await clock.step(1_000);
      return (await namesIn(client)).length === 2;
    });
  });

  test('takes away as many at once as may be unavailable', async () => {
    await using cluster = await openWithNode();
    const { client, node } = cluster;
    const rollingUpdate = { maxUnavailable: 2 };
    await client.create(
      statefulSets,
      set({ replicas: 4, updateStrategy: { type: 'RollingUpdate', rollingUpdate } }),
    );
    await settled(client);
    node.accept = (pod) => imageOf(pod) !== 'web:2';
    await patch(client, { template: podTemplate('web:2') });
    await eventually('an unready pod of the new template', async () =>
      (await podsIn(client)).some((pod) => imageOf(pod) === 'web:2'),
    );
    await cluster.controllers.queue.idle();
    expect((await podsIn(client)).filter((pod) => imageOf(pod) === 'web:1')).toHaveLength(2);
  });
});

describe('the claims of a StatefulSet', () => {
  test('are made with its pods, and outlive them', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set({ replicas: 2, volumeClaimTemplates: [data] }));
    await settled(client);
    expect(await claimNames(client)).toEqual(['data-web-0', 'data-web-1']);
    const { spec } = await client.get(pods, { namespace: 'test', name: 'web-1' });
    expect(spec.volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-web-1' },
    });
    await patch(client, { replicas: 1 });
    await eventually('one pod', async () => (await namesIn(client)).length === 1);
    await client.delete(statefulSets, ref);
    await eventually('none', async () => (await namesIn(client)).length === 0);
    expect(await claimNames(client)).toEqual(['data-web-0', 'data-web-1']);
  });

  test('go with pods that are scaled away, where it is told so', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    const persistentVolumeClaimRetentionPolicy = { whenScaled: 'Delete', whenDeleted: 'Retain' };
    await client.create(
      statefulSets,
      set({ replicas: 2, volumeClaimTemplates: [data], persistentVolumeClaimRetentionPolicy }),
    );
    await settled(client);
    await patch(client, { replicas: 1 });
    await eventually('one claim', async () => (await claimNames(client)).join() === 'data-web-0');
    await patch(client, { replicas: 2 });
    await settled(client);
    expect(await claimNames(client)).toEqual(['data-web-0', 'data-web-1']);
    await client.delete(statefulSets, ref);
    await eventually('no pods', async () => (await namesIn(client)).length === 0);
    expect(await claimNames(client)).toEqual(['data-web-0', 'data-web-1']);
  });

  test('go with the set, where it is told so, also when it is told late', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(statefulSets, set({ replicas: 2, volumeClaimTemplates: [data] }));
    await settled(client);
    await patch(client, { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' } });
    await eventually('owners', async () => {
      const { items } = await client.list(persistentVolumeClaims, { namespace: 'test' });
      return items.every(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'StatefulSet');
    });
    await client.delete(statefulSets, ref);
    await eventually('no claims', async () => (await claimNames(client)).length === 0);
  });
});

import { describe, expect, test } from 'vitest';
import type { ConfigMap } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { configMaps, deployments, events, namespaces } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { podsIn, setsIn, testNamespaceWithAccount, webDeployment } from './objects.ts';

const ref = (name: string, namespace = 'test') => ({ namespace, name });

function exists({ client }: TestCluster, name: string): Promise<boolean> {
  return client.get(configMaps, ref(name)).then(
    () => true,
    (error: unknown) => {
      if (isKind(error, 'NotFound')) return false;
      throw error;
    },
  );
}

function ownedBy(owner: Persisted<ConfigMap>, blockOwnerDeletion = false) {
  const { name, uid } = owner.metadata;
  return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion };
}

async function open() {
  const cluster = await openCluster({
    controllers: ['namespace', 'garbage-collector', 'deployment', 'replicaset', 'serviceaccount'],
  });
  await testNamespaceWithAccount(cluster.client);
  const map = (name: string, owners: ReturnType<typeof ownedBy>[] = [], more: object = {}) =>
    cluster.client.create(configMaps, { metadata: { ...ref(name), ownerReferences: owners, ...more } });
  return Object.assign(cluster, { map });
}

describe('garbage collection', () => {
  test('in the background, what an owner leaves behind goes after it, level by level', async () => {
    await using cluster = await open();
    const { client, map } = cluster;
    const a = await map('a');
    const b = await map('b', [ownedBy(a)]);
    await map('c', [ownedBy(b)]);
    await client.delete(configMaps, ref('a'), { propagationPolicy: 'Background' });
    await eventually('all gone', async () => !(await exists(cluster, 'b')) && !(await exists(cluster, 'c')));
  });

  test('an object that another owner still holds stays, and forgets the one that went', async () => {
    await using cluster = await open();
    const { client, map } = cluster;
    const [a, b] = [await map('a'), await map('b')];
    await map('c', [ownedBy(a), ownedBy(b)]);
    await client.delete(configMaps, ref('a'));
    const kept = await eventually('one reference', async () => {
      const c = await client.get(configMaps, ref('c'));
      return c.metadata.ownerReferences?.length === 1 && c;
    });
    expect(kept.metadata.ownerReferences).toMatchObject([{ uid: b.metadata.uid }]);
  });

  test('in the foreground, the owner waits for those that block it', async () => {
    await using cluster = await open();
    const { client, map } = cluster;
    const a = await map('a');
    await map('b', [ownedBy(a, true)], { finalizers: ['example.com/hold'] });
    await client.delete(configMaps, ref('a'), { propagationPolicy: 'Foreground' });
    await eventually(
      'the dependent is being deleted',
      async () => (await client.get(configMaps, ref('b'))).metadata.deletionTimestamp,
    );
    expect((await client.get(configMaps, ref('a'))).metadata.finalizers).toEqual(['foregroundDeletion']);
    await client.patch(configMaps, ref('b'), { type: 'merge', patch: { metadata: { finalizers: null } } });
    await eventually('the owner goes', async () => !(await exists(cluster, 'a')));
  });

  test('orphans stay without their owner', async () => {
    await using cluster = await open();
    const { client, map } = cluster;
    const a = await map('a');
    await map('b', [ownedBy(a)]);
    await client.delete(configMaps, ref('a'), { propagationPolicy: 'Orphan' });
    await eventually('the owner goes', async () => !(await exists(cluster, 'a')));
    expect((await client.get(configMaps, ref('b'))).metadata.ownerReferences ?? []).toEqual([]);
  });

  test('two that own each other both go when one is deleted', async () => {
    await using cluster = await open();
    const { client, map } = cluster;
    const a = await map('a');
    const b = await map('b', [ownedBy(a, true)]);
    await client.patch(configMaps, ref('a'), {
      type: 'merge',
      patch: { metadata: { ownerReferences: [ownedBy(b, true)] } },
    });
    await client.delete(configMaps, ref('a'), { propagationPolicy: 'Foreground' });
    await eventually('both gone', async () => !(await exists(cluster, 'a')) && !(await exists(cluster, 'b')));
  });

  test('an owner in another namespace is none, and an event says so', async () => {
    await using cluster = await open();
    const { client, map } = cluster;
    await client.create(namespaces, { metadata: { name: 'other' }, spec: {} });
    const owner = await client.create(configMaps, { metadata: ref('a', 'other') });
    await map('b', [ownedBy(owner)]);
    await eventually('gone', async () => !(await exists(cluster, 'b')));
    expect((await client.get(configMaps, ref('a', 'other'))).metadata.uid).toBe(owner.metadata.uid);
    await eventually('an event', async () =>
      (await client.list(events, { namespace: 'test' })).items.some(
        ({ reason }) => reason === 'OwnerRefInvalidNamespace',
      ),
    );
  });

  test('a Deployment deleted in the foreground goes last', async () => {
    await using cluster = await open();
    const { client } = cluster;
    await client.create(deployments, webDeployment());
    await eventually('pods', async () => (await podsIn(client)).length === 3);
    await client.delete(deployments, ref('web'), { propagationPolicy: 'Foreground' });
    await eventually(
      'all gone',
      async () => (await client.list(deployments, { namespace: 'test' })).items.length === 0,
    );
    expect([await setsIn(client), await podsIn(client)]).toEqual([[], []]);
  });
});

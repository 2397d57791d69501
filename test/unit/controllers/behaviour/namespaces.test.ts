import { describe, expect, test } from 'vitest';
import { configMaps, deployments, namespaces, serviceAccounts } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import { podsIn, testNamespace, webDeployment } from './objects.ts';

const account = { namespace: 'test', name: 'default' };
const rootCa = { namespace: 'test', name: 'kube-root-ca.crt' };

describe('a namespace', () => {
  test('has a default service account and the cluster authority, which come back when they are deleted', async () => {
    await using cluster = await openCluster({ cluster: { rootCa: 'PEM' } });
    const { client } = cluster;
    await testNamespace(client);
    const first = await eventually('an account', () => client.get(serviceAccounts, account));
    const published = await eventually('a config map', () => client.get(configMaps, rootCa));
    expect(published.data).toEqual({ 'ca.crt': 'PEM' });
    expect(published.metadata.annotations?.['kubernetes.io/description']).toMatch(/^Contains a CA bundle/);
    await client.delete(serviceAccounts, account);
    await client.patch(configMaps, rootCa, { type: 'merge', patch: { data: { 'ca.crt': 'other' } } });
    await eventually(
      'another account',
      async () => (await client.get(serviceAccounts, account)).metadata.uid !== first.metadata.uid,
    );
    await eventually(
      'the authority again',
      async () => (await client.get(configMaps, rootCa)).data?.['ca.crt'] === 'PEM',
    );
  });

  test('that is deleted goes with all it holds', async () => {
    await using cluster = await openCluster({ controllers: ['*', '-node-lifecycle'] });
    const { client, clock, informers } = cluster;
    await addHollowNode(client, informers, clock);
    await testNamespace(client);
    await client.create(deployments, webDeployment());
    await eventually('pods', async () => (await podsIn(client)).length === 3);
    await client.delete(namespaces, { name: 'test' });
    await eventually('gone', async () => {
      await clock.step(1_000);
      return client.get(namespaces, { name: 'test' }).then(
        () => false,
        (error: unknown) => isKind(error, 'NotFound'),
      );
    });
    expect(await podsIn(client)).toEqual([]);
    expect((await client.list(configMaps, { namespace: 'test' })).items).toEqual([]);
  });

  test('waits for finalizers, and says so', async () => {
    await using cluster = await openCluster();
    const { client, clock } = cluster;
    await testNamespace(client);
    const ref = { namespace: 'test', name: 'held' };
    await client.create(configMaps, { metadata: { ...ref, finalizers: ['example.com/hold'] } });
    await client.delete(namespaces, { name: 'test' });
    const waiting = await eventually('it says what it waits for', async () => {
      await clock.step(1_000);
      const space = await client.get(namespaces, { name: 'test' });
      return (
        space.status?.conditions?.some(
          ({ type, status }) => type === 'NamespaceFinalizersRemaining' && status === 'True',
        ) && space
      );
    });
    expect(waiting.status?.phase).toBe('Terminating');
    expect(
      waiting.status?.conditions?.map(({ status, reason, message }) => [status, reason, message]).slice(3),
    ).toEqual([
      ['True', 'SomeResourcesRemain', 'Some resources are remaining: configmaps. has 1 resource instances'],
      [
        'True',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ],
    ]);
    await client.patch(configMaps, ref, { type: 'merge', patch: { metadata: { finalizers: null } } });
    await eventually('gone', async () => {
      await clock.step(5_000);
      return client.get(namespaces, { name: 'test' }).then(
        () => false,
        (error: unknown) => isKind(error, 'NotFound'),
      );
    });
  });
});

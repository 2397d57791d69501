import { expect, test } from 'vitest';
import type { Secret } from '../../../../lib/api/gen/types.ts';
import { configMaps, pods, secrets, serviceAccounts } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { testNamespaceWithAccount } from './objects.ts';

const dayMs = 24 * 60 * 60_000;
const account = { namespace: 'test', name: 'default' };
const label = 'kubernetes.io/legacy-token-invalid-since';

test('a token that was made by itself goes when two years passed without use; one that is used, mounted or made by hand stays', async () => {
  await using cluster = await openCluster({
    controllers: ['serviceaccount', 'legacy-serviceaccount-token-cleaner'],
  });
  const { client, clock } = cluster;
  await testNamespaceWithAccount(client);
  const tracking = await client.get(configMaps, {
    namespace: 'kube-system',
    name: 'kube-apiserver-legacy-service-account-token-tracking',
  });
  expect(tracking.data).toEqual({ since: '2026-01-01' });
  const { metadata } = await client.get(serviceAccounts, account);
  const token = (name: string, labels: Record<string, string> = {}): Secret => ({
    metadata: {
      namespace: 'test',
      name,
      labels,
      annotations: {
        'kubernetes.io/service-account.name': 'default',
        'kubernetes.io/service-account.uid': metadata.uid,
      },
    },
    type: 'kubernetes.io/service-account-token',
  });
  const automatic = ['unused', 'used', 'mounted'];
  await client.patch(serviceAccounts, account, {
    type: 'merge',
    patch: { secrets: automatic.map((name) => ({ name })) },
  });
  await client.create(secrets, token('unused'));
  await client.create(secrets, token('used', { 'kubernetes.io/legacy-token-last-used': '2029-01-01' }));
  await client.create(secrets, token('mounted'));
  await client.create(secrets, token('by-hand'));
  await client.create(pods, {
    metadata: { namespace: 'test', name: 'reader' },
    spec: {
      containers: [{ name: 'app', image: 'app:1' }],
      volumes: [{ name: 'token', secret: { secretName: 'mounted' } }],
    },
  });
  const find = async (name: string) => {
    try {
      return await client.get(secrets, { namespace: 'test', name });
    } catch (error) {
      if (isKind(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  const labelled = async () => (await find('unused'))?.metadata.labels?.[label];

  await clock.step(364 * dayMs);
  expect(await labelled()).toBeUndefined();
  await eventually('the label', async () => {
    await clock.step(dayMs);
    return await labelled();
  });
  expect((await labelled())?.startsWith('2027-01-')).toBe(true);
  await clock.step(360 * dayMs);
  expect(await find('unused')).toBeDefined();
  await eventually('it to be gone', async () => {
    await clock.step(dayMs);
    return (await find('unused')) === undefined;
  });
  for (const name of ['used', 'mounted', 'by-hand'])
    expect((await find(name))?.metadata.labels?.[label]).toBeUndefined();
});

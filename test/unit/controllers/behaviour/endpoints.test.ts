import { describe, expect, test } from 'vitest';
import { deployments, endpointSlices, endpoints, pods, services } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import { isReady, patchWeb, podsIn, testNamespaceWithAccount, webDeployment } from './objects.ts';

async function openWithService(replicas: number) {
  const cluster = await openCluster({ controllers: ['*', '-node-lifecycle'] });
  const { client } = cluster;
  const node = await addHollowNode(client, cluster.informers, cluster.clock);
  await testNamespaceWithAccount(client);
  await client.create(services, {
    metadata: { name: 'web', namespace: 'test', labels: { team: 'a' } },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
  await client.create(deployments, webDeployment({ replicas }));
  const slices = async () =>
    (
      await client.list(endpointSlices, {
        namespace: 'test',
        labelSelector: 'kubernetes.io/service-name=web',
      })
    ).items;
  const addresses = async () => (await slices()).flatMap((slice) => slice.endpoints ?? []);
  return Object.assign(cluster, { node, slices, addresses });
}

describe('endpoints of a Service', () => {
  test('are its ready pods, in a slice and in Endpoints', async () => {
    await using cluster = await openWithService(2);
    const { client, slices, addresses } = cluster;
    await eventually('two endpoints', async () => (await addresses()).length === 2);
    const [slice] = await slices();
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      metadata: {
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'web', controller: true, blockOwnerDeletion: true }],
      },
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    });
    expect(slice?.metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
    const all = await podsIn(client);
    expect(new Set((await addresses()).map(({ targetRef }) => targetRef?.uid))).toEqual(
      new Set(all.map(({ metadata }) => metadata.uid)),
    );
    expect((await addresses())[0]).toMatchObject({
      nodeName: 'hollow-1',
      conditions: { ready: true, serving: true, terminating: false },
    });
    const legacy = await eventually('Endpoints', async () => {
      const found = await client.get(endpoints, { namespace: 'test', name: 'web' });
      return found.subsets?.[0]?.addresses?.length === 2 && found;
    });
    expect(legacy.subsets?.[0]?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
  });

  test('a pod that is not ready any more is there and not ready', async () => {
    await using cluster = await openWithService(1);
    const { client, addresses } = cluster;
    await eventually('an endpoint', async () => (await addresses())[0]?.conditions?.ready === true);
    const [pod] = await podsIn(client);
    const status = { conditions: [{ type: 'Ready', status: 'False' }] };
    await client.patch(
      pods,
      { namespace: 'test', name: pod?.metadata.name ?? '' },
      { type: 'strategic', patch: { status } },
      { subresource: 'status' },
    );
    await eventually('not ready', async () => (await addresses())[0]?.conditions?.ready === false);
    await eventually('nor in Endpoints', async () => {
      const [subset] = (await client.get(endpoints, { namespace: 'test', name: 'web' })).subsets ?? [];
      return subset?.addresses === undefined && subset?.notReadyAddresses?.length === 1;
    });
  });

  test('more than a hundred take several slices, and go with the Service', async () => {
    await using cluster = await openWithService(130);
    const { client, slices, addresses } = cluster;
    await eventually(
      'all',
      async () => (await addresses()).filter(({ conditions }) => conditions?.ready).length === 130,
    );
    expect(Math.max(...(await slices()).map((slice) => slice.endpoints?.length ?? 0))).toBeLessThanOrEqual(
      100,
    );
    expect(new Set((await addresses()).map(({ targetRef }) => targetRef?.uid)).size).toBe(130);
    await patchWeb(client, { replicas: 0 });
    await eventually('one empty slice', async () => {
      const left = await slices();
      return left.length === 1 && !left[0]?.endpoints?.length;
    });
    await client.delete(services, { namespace: 'test', name: 'web' });
    await eventually('no slice', async () => (await slices()).length === 0);
    await eventually(
      'no Endpoints',
      async () => (await client.list(endpoints, { namespace: 'test' })).items.length === 0,
    );
    expect((await podsIn(client)).filter(isReady)).toEqual([]);
  });
});

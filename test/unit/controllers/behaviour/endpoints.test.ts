import { describe, expect, test } from 'vitest';
import {
  deployments,
  endpointSlices,
  endpoints,
  events,
  nodes,
  pods,
  services,
} from '../../../../lib/client/resources.ts';
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

describe('a Service with topology-mode Auto', () => {
  test('has hints by zone, and tells when it has them and when it cannot', async () => {
    await using cluster = await openCluster({ controllers: ['endpointslice', 'serviceaccount'] });
    const { client, clock, informers } = cluster;
    for (const [index, zone] of ['a', 'b'].entries()) {
      const name = `node-${index}`;
      const node = await addHollowNode(client, informers, clock, name);
      node.accept = () => false;
      const patch = { metadata: { labels: { 'topology.kubernetes.io/zone': zone } } };
      await client.patch(nodes, { name }, { type: 'merge', patch });
      const status = { allocatable: { cpu: '4' } };
      await client.patch(nodes, { name }, { type: 'merge', patch: { status } }, { subresource: 'status' });
    }
    await testNamespaceWithAccount(client);
    const pod = async (name: string, number: number) => {
      const created = await client.create(pods, {
        metadata: { namespace: 'test', name, labels: { app: 'web' } },
        spec: { nodeName: `node-${number % 2}`, containers: [{ name: 'app', image: 'web:1' }] },
      });
      const ip = `10.244.0.${number + 1}`;
      const conditions = [{ type: 'Ready', status: 'True' }];
      const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
      await client.update(pods, { ...created, status }, { subresource: 'status' });
    };
    for (let number = 0; number < 4; number++) await pod(`web-${number}`, number);
    const service = {
      metadata: {
        namespace: 'test',
        name: 'web',
        annotations: { 'service.kubernetes.io/topology-mode': 'Auto' },
      },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    };
    await client.create(services, service);
    const zonesOf = async () => {
      const { items } = await client.list(endpointSlices, { namespace: 'test' });
      return items
        .flatMap((slice) => slice.endpoints ?? [])
        .map(({ hints }) => hints?.forZones?.[0]?.name ?? '')
        .sort()
        .join();
    };
    const told = async (reason: string) =>
      (await client.list(events, { namespace: 'test' })).items.find((one) => one.reason === reason)?.message;
    const within = (what: string, isSo: () => Promise<boolean>) =>
      eventually(what, async () => {
        await clock.step(1_000);
        return isSo();
      });
    await within('two for each zone', async () => (await zonesOf()) === 'a,a,b,b');
    const enabled = 'Topology Aware Hints has been enabled, addressType: IPv4';
    await within('an event', async () => (await told('TopologyAwareHintsEnabled')) === enabled);
    await client.patch(
      nodes,
      { name: 'node-1' },
      { type: 'merge', patch: { metadata: { labels: { 'topology.kubernetes.io/zone': null } } } },
    );
    await within('no hints', async () => (await zonesOf()) === ',,,');
    const disabled = /^Insufficient Node information: .*, addressType: IPv4$/;
    await within('an event', async () => disabled.test((await told('TopologyAwareHintsDisabled')) ?? ''));
    await client.patch(
      services,
      { namespace: 'test', name: 'web' },
      {
        type: 'merge',
        patch: {
          metadata: { annotations: { 'service.kubernetes.io/topology-mode': null } },
          spec: { trafficDistribution: 'PreferSameZone' },
        },
      },
    );
    await client.patch(
      nodes,
      { name: 'node-1' },
      { type: 'merge', patch: { metadata: { labels: { 'topology.kubernetes.io/zone': 'b' } } } },
    );
    await within('by the field', async () => (await zonesOf()) === 'a,a,b,b');
  });
});

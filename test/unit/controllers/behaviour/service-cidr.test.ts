import { expect, test } from 'vitest';
import { ipAddresses, serviceCidrs, services } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { testNamespace } from './objects.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';

test('a range of Services is ready and held; one that is deleted goes when no address needs it', async () => {
  await using cluster = await openCluster({ controllers: ['service-cidr-controller'] });
  const { client, clock } = cluster;
  await testNamespace(client);
  const own = { name: 'kubernetes' };
  await eventually('the own range is held', async () =>
    (await client.get(serviceCidrs, own)).metadata.finalizers?.includes(finalizer),
  );
  const more = { name: 'more' };
  await client.create(serviceCidrs, { metadata: more, spec: { cidrs: ['10.200.0.0/24'] } });
  const ready = await eventually('ready', async () => {
    const found = await client.get(serviceCidrs, more);
    return (found.status?.conditions?.length ?? 0) > 0 && found;
  });
  expect(ready.metadata.finalizers).toEqual([finalizer]);
  expect(ready.status?.conditions).toEqual([
    expect.objectContaining({ type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' }),
  ]);

  await client.delete(serviceCidrs, more);
  const isGone = async () => {
    await clock.step(1_000);
    return client.get(serviceCidrs, more).then(
      () => false,
      (error: unknown) => isKind(error, 'NotFound'),
    );
  };
  await clock.step(8_000);
  expect(await isGone()).toBe(false);
  await eventually('it is gone', isGone);
});

test('a range that is deleted stays while addresses have no other, says so, and goes when another takes them over', async () => {
  await using cluster = await openCluster({ controllers: ['service-cidr-controller'] });
  const { client, clock } = cluster;
  await testNamespace(client);
  const service = await client.create(services, {
    metadata: { namespace: 'test', name: 'web' },
    spec: { ports: [{ port: 80 }] },
  });
  const taken = (await client.list(ipAddresses)).items.map(({ metadata }) => metadata.name);
  expect(taken).toContain(service.spec.clusterIP);
  const own = { name: 'kubernetes' };
  await eventually('held', async () =>
    (await client.get(serviceCidrs, own)).metadata.finalizers?.includes(finalizer),
  );
  await client.delete(serviceCidrs, own);
  const leaving = await eventually('it says what it waits for', async () => {
    const found = await client.get(serviceCidrs, own);
    return found.status?.conditions?.[0]?.status === 'False' && found;
  });
  expect(leaving.status?.conditions).toEqual([
    expect.objectContaining({
      type: 'Ready',
      reason: 'Terminating',
      message:
        'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    }),
  ]);
  await client.create(serviceCidrs, { metadata: { name: 'all' }, spec: { cidrs: ['10.96.0.0/12'] } });
  await eventually('it is gone', async () => {
    await clock.step(5_000);
    return client.get(serviceCidrs, own).then(
      () => false,
      (error: unknown) => isKind(error, 'NotFound'),
    );
  });
});

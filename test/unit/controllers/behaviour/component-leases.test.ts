import { expect, test } from 'vitest';
import { leases } from '../../../../lib/client/resources.ts';
import { createLogger } from '../../../../lib/log.ts';
import { keepComponentLease } from '../../../../localstack/embedded/component-leases.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';

const ref = { namespace: 'kube-system', name: 'kube-scheduler' };

test('a component shows that it leads, renews that every twenty minutes, and is told from the one before it', async () => {
  await using cluster = await openCluster({ controllers: [] });
  const { client, clock } = cluster;
  const log = createLogger('test', 'silent');
  const lead = (stop: AbortController) =>
    keepComponentLease({ client, component: ref.name, clock, log }, stop.signal);
  const first = new AbortController();
  const led = lead(first);
  const taken = await eventually('a Lease', () => client.get(leases, ref));
  expect(taken.spec).toMatchObject({ leaseDurationSeconds: 3_600, leaseTransitions: 0 });
  expect(taken.spec?.holderIdentity).toMatch(/^.+_[0-9a-f-]{36}$/);
  await eventually('it waits', () => clock.sleepers > 0);
  for (let minute = 0; minute < 19; minute++) await clock.step(60_000);
  expect((await client.get(leases, ref)).metadata.resourceVersion).toBe(taken.metadata.resourceVersion);
  const renewed = await eventually('it is renewed', async () => {
    await clock.step(30_000);
    const lease = await client.get(leases, ref);
    return lease.spec?.renewTime !== taken.spec?.renewTime && lease;
  });
  expect(renewed.spec).toEqual({ ...taken.spec, renewTime: renewed.spec?.renewTime });
  first.abort();
  await led;

  const second = new AbortController();
  const ledAgain = lead(second);
  const other = await eventually('another holds it', async () => {
    const lease = await client.get(leases, ref);
    return lease.spec?.holderIdentity !== taken.spec?.holderIdentity && lease;
  });
  expect(other.spec?.leaseTransitions).toBe(1);
  second.abort();
  await ledAgain;
});

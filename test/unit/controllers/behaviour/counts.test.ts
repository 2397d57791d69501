/** What workloads cost in calls: on AWS each is paid for. Bounds are of the worst case, every change seen by itself. */
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { deployments } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import { getWeb, isRolledOut, setImage, testNamespace, webDeployment } from './objects.ts';
import { countReads, watchWrites } from './watched-client.ts';

const replicas = 40;

/** Of all controllers together, so far. */
async function reconciles(metrics: Registry): Promise<number> {
  const { values = [] } = (await metrics.getSingleMetric('controller_reconcile_total')?.get()) ?? {};
  return values.reduce((sum, { value }) => sum + value, 0);
}

test('a Deployment costs one write a pod and its status; a rolling update two; a cluster at rest nothing', async () => {
  const writes = new Map<string, number>();
  const reads = new Map<string, number>();
  const metrics = new Registry();
  await using cluster = await openCluster({
    // Its nodes say nothing while they are well, which is not the rest that a cluster has.
    controllers: ['*', '-node-lifecycle', '-taint-eviction'],
    wrap: (client) =>
      watchWrites(countReads(client, reads), {
        before(verb, resource) {
          const what = `${verb} ${resource}`;
          writes.set(what, (writes.get(what) ?? 0) + 1);
        },
      }),
    wrapReads: (client) => countReads(client, reads),
    metrics,
  });
  const { client, clock, informers } = cluster;
  const of = (...whats: string[]) => whats.reduce((sum, what) => sum + (writes.get(what) ?? 0), 0);
  const rolledOut = () =>
    eventually('it is rolled out', async () => {
      await clock.step(200);
      return isRolledOut(await getWeb(client));
    });
  /** Until nothing was written in a minute of the cluster's time. */
  const settle = () =>
    eventually('it is at rest', async () => {
      const before = of(...writes.keys());
      for (let second = 0; second < 60; second++) await clock.step(1_000);
      return of(...writes.keys()) === before;
    });
  await addHollowNode(client, informers, clock);
  await testNamespace(client);
  await settle();

  writes.clear();
  reads.clear();
  const before = await reconciles(metrics);
  await client.create(deployments, webDeployment({ replicas }));
  await rolledOut();
  await settle();
  expect(of('create pods')).toBe(replicas);
  expect(of('create replicasets')).toBe(1);
  expect(of('delete pods', 'patch pods', 'update pods')).toBe(0);
  // A pod that came to be, and one that became ready.
  expect(of('update replicasets')).toBeLessThanOrEqual(2 * replicas + 3);
  expect(of('update deployments')).toBeLessThanOrEqual(2 * replicas + 6);
  // Like events are told as one from the tenth on.
  expect(of('create events', 'patch events')).toBeLessThanOrEqual(replicas + 10);

  // Of a pod: that it came to be, was bound and became ready; twice what each owner then says, which it sees itself.
  const worked = (await reconciles(metrics)) - before;
  expect(worked).toBeLessThanOrEqual(9 * replicas + 20);
  // A reconcile asks for the newest revision of each type that its controller reads, and for nothing else.
  const read = [...reads.values()].reduce((sum, count) => sum + count, 0);
  expect(read).toBeLessThanOrEqual(3 * worked + 3);
  writes.clear();
  await setImage(client, 'web:2');
  await rolledOut();
  await settle();
  expect(of('create pods')).toBe(replicas);
  expect(of('delete pods')).toBe(replicas);
  expect(of('create replicasets')).toBe(1);

  writes.clear();
  for (let second = 0; second < 60; second++) await clock.step(1_000);
  expect(Object.fromEntries(writes), 'written in an idle minute').toEqual({});
}, 300_000);

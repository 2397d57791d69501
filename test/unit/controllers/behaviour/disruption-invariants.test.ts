import { expect, test } from 'vitest';
import type { Eviction, Pod } from '../../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { deployments, podDisruptionBudgets, pods } from '../../../../lib/client/resources.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { type Death, dying, manyDeaths } from './dying-client.ts';
import { addHollowNode } from './hollow-node.ts';
import {
  getWeb,
  isReady,
  isRolledOut,
  patchWeb,
  podsIn,
  testNamespaceWithAccount,
  webDeployment,
} from './objects.ts';

const ref = { namespace: 'test', name: 'web' };
const isHealthy = (pod: Pod) => isReady(pod) && !pod.metadata.deletionTimestamp;

async function evict(client: KubeClient, { metadata }: Persisted<Pod>): Promise<boolean> {
  const { namespace = '', name, uid } = metadata;
  const eviction: Eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid } },
  };
  try {
    await client.createSubresource<Eviction, KubeObject>(pods, { namespace, name }, 'eviction', eviction);
    return true;
  } catch (error) {
    if (isKind(error, 'TooManyRequests', 'NotFound', 'Conflict')) return false;
    throw error;
  }
}

/** What an API server leaves that dies after it has charged the budget and before it deletes the pod. */
async function promise(cluster: TestCluster, at: number): Promise<string | undefined> {
  const { client, clock } = cluster;
  const budget = await client.get(podDisruptionBudgets, ref);
  const { status } = budget;
  const victim = (await podsIn(client)).filter(isHealthy)[at];
  const { disruptionsAllowed = 0 } = status ?? {};
  if (!victim || !status || disruptionsAllowed === 0) return undefined;
  if (status.observedGeneration !== budget.metadata.generation) return undefined;
  const promised = { ...status.disruptedPods, [victim.metadata.name]: rfc3339(clock.now()) };
  const next = { ...status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods: promised };
  try {
    await client.update(podDisruptionBudgets, { ...budget, status: next }, { subresource: 'status' });
  } catch (error) {
    if (isKind(error, 'Conflict')) return undefined;
    throw error;
  }
  return victim.metadata.name;
}

/** Evicts some at once, and says how many healthy pods they left if that is fewer than demanded. */
async function burst(
  client: KubeClient,
  from: number,
  times: number,
  { promised, least }: { promised: ReadonlySet<string>; least: number },
): Promise<string[]> {
  const before = await podsIn(client);
  const targets = Array.from({ length: Math.min(times, before.length) }, (_, i) => {
    return before[(from + i) % before.length];
  }).filter((pod) => pod !== undefined);
  const outcomes = await Promise.all(targets.map((pod) => evict(client, pod)));
  const taken = new Set(targets.filter((_, i) => outcomes[i]).map(({ metadata }) => metadata.uid));
  const wasHealthy = targets.filter((pod) => isHealthy(pod) && taken.has(pod.metadata.uid)).length;
  // Whoever became healthy meanwhile may have been counted.
  const healthy = new Set(
    [...before, ...(await podsIn(client))]
      .filter((pod) => isHealthy(pod) && !promised.has(pod.metadata.name))
      .map(({ metadata }) => metadata.uid),
  );
  const left = [...healthy].filter((uid) => !taken.has(uid)).length;
  return wasHealthy > 0 && left < least ? [`${left} left of at least ${least}`] : [];
}

/** Steps until the budget says what there is. */
function counted({ client, clock }: TestCluster, promised: ReadonlySet<string>): Promise<unknown> {
  return eventually(
    'the budget counts what there is',
    async () => {
      await clock.step(1_000);
      const { metadata, spec, status } = await client.get(podDisruptionBudgets, ref);
      const web = await getWeb(client);
      const all = await podsIn(client);
      const healthy = all.filter((pod) => isHealthy(pod) && !promised.has(pod.metadata.name)).length;
      return (
        isRolledOut(web) &&
        all.length === web.spec.replicas &&
        status?.observedGeneration === metadata.generation &&
        status?.expectedPods === all.length &&
        status.currentHealthy === healthy &&
        status.disruptionsAllowed === Math.max(0, healthy - Number(spec.minAvailable)) &&
        Object.keys(status.disruptedPods ?? {}).every((name) => promised.has(name))
      );
    },
    { everyMs: 5 },
  );
}

const steps = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('evict' as const),
      pod: fc.nat(9),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  fc.record({ act: fc.constant('promise' as const), pod: fc.nat(3) }),
  fc.record({ act: fc.constant('scale' as const), replicas: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ act: fc.constant('demand' as const), minAvailable: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ act: fc.constant('wait' as const), ms: fc.constantFrom(0, 100, 5_000, 130_000) }),
  fc.record({ act: fc.constant('restart' as const) }),
);

test('evictions never leave fewer ready pods than the budget demands, wherever controllers and API server die', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(steps, { minLength: 3, maxLength: 12 }),
      manyDeaths,
      async (minAvailable, run, someDeaths) => {
        const deaths: Death[] = [];
        await using cluster = await openCluster({
          controllers: ['disruption', 'deployment', 'replicaset', 'serviceaccount'],
          wrap: (client) => dying(client, () => deaths.shift()),
        });
        const { client, clock, informers } = cluster;
        const node = await addHollowNode(client, informers, clock);
        await testNamespaceWithAccount(client);
        deaths.push(...someDeaths);
        await client.create(deployments, webDeployment({ replicas: 5 }));
        await client.create(podDisruptionBudgets, {
          metadata: ref,
          spec: { selector: { matchLabels: { app: 'web' } }, minAvailable },
        });
        const broken: string[] = [];
        const promised = new Set<string>();
        let least = minAvailable;
        for (const step of run) {
          switch (step.act) {
            case 'restart':
              await cluster.restart();
              break;
            case 'wait':
              await clock.step(step.ms);
              if (step.ms > 120_000) promised.clear();
              break;
            case 'promise': {
              const name = await promise(cluster, step.pod);
              if (name !== undefined) promised.add(name);
              break;
            }
            case 'demand': {
              least = step.minAvailable;
              const patch = { spec: { minAvailable: least } };
              await client.patch(podDisruptionBudgets, ref, { type: 'merge', patch });
              break;
            }
            case 'scale':
              // Its user takes pods away that the budget still counts on, which the budget has to see first.
              await patchWeb(client, { replicas: step.replicas });
              await eventually('the pods are as many as asked', async () => {
                await clock.step(20);
                return isRolledOut(await getWeb(client));
              });
              promised.clear();
              await clock.step(130_000);
              await counted(cluster, promised);
              break;
            case 'evict':
              broken.push(...(await burst(client, step.pod, step.times, { promised, least })));
          }
        }
        await clock.step(130_000);
        await counted(cluster, new Set());
        expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
      },
    ),
    { numRuns: runs(10), endOnFailure: true },
  );
}, 300_000);

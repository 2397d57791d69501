import { expect, test } from 'vitest';
import type { Pod } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { deployments } from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { addHollowNode } from './hollow-node.ts';
import { lagging, manyLags } from './lagging-client.ts';
import {
  getWeb,
  imageOf,
  isReady,
  isRolledOut,
  podsIn,
  setImage,
  testNamespaceWithAccount,
  webDeployment,
} from './objects.ts';
import { watchWrites } from './watched-client.ts';

const isActive = (pod: Pod) => !pod.metadata.deletionTimestamp;

/** The pods at each write of one, and what would break the Deployment's promise. */
function guarded(client: KubeClient, limits: { most: number; least: number }, broken: string[]): KubeClient {
  const guardedWrites = watchWrites(client, {
    async before(verb, resource, subject) {
      if (resource !== 'pods') return;
      const all = (await podsIn(client)).filter(isActive);
      if (verb === 'create' && all.length + 1 > limits.most) broken.push(`${all.length + 1} pods`);
      if (verb === 'delete') {
        const { name } = subject as { name: string };
        const left = all.filter((pod) => pod.metadata.name !== name && isReady(pod)).length;
        const counts = all.some((pod) => pod.metadata.name === name && isReady(pod));
        if (counts && left < limits.least) broken.push(`${left} available`);
      }
    },
  });
  return oneAtATime(guardedWrites);
}

test('a rolling update never has more pods than the surge allows nor takes away more than may be unavailable, wherever the controllers die', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        replicas: fc.integer({ min: 1, max: 8 }),
        surge: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('25%', '50%', '100%')),
        unavailable: fc.integer({ min: 0, max: 3 }),
        rollouts: fc.array(fc.constantFrom('web:2', 'web:3', 'bad', 'web:1'), { minLength: 1, maxLength: 4 }),
        deaths: manyDeaths,
        lags: manyLags,
        restarts: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      }),
      async ({ replicas, surge, unavailable, rollouts, deaths, lags: planned, restarts }) => {
        const isZero = surge === 0 && unavailable === 0;
        const maxUnavailable = isZero ? 1 : unavailable;
        const maxSurge =
          typeof surge === 'number' ? surge : Math.ceil((parseInt(surge, 10) * replicas) / 100);
        const limits = { most: replicas + maxSurge, least: replicas - maxUnavailable };
        const broken: string[] = [];
        const queue: Death[] = [];
        const lags = [...planned];
        await using cluster = await openCluster({
          controllers: ['deployment', 'replicaset', 'garbage-collector', 'serviceaccount'],
          wrapReads: (client) => lagging(client, () => lags.shift()),
          wrap: (client) => dying(guarded(client, limits, broken), () => queue.shift()),
        });
        const { client, clock, informers } = cluster;
        const node = await addHollowNode(client, informers, clock);
        node.accept = (pod) => imageOf(pod) !== 'bad';
        await testNamespaceWithAccount(client);
        queue.push(...deaths);
        const rollingUpdate = { maxSurge: surge, maxUnavailable };
        await client.create(
          deployments,
          webDeployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate } }),
        );
        const settle = () =>
          eventually(
            'rolled out',
            async () => {
              await clock.step(1_000);
              return isRolledOut(await getWeb(client));
            },
            { everyMs: 5, withinMs: 90_000 },
          );
        await settle();
        for (const [index, image] of rollouts.entries()) {
          await setImage(client, image);
          for (let round = 0; round < 5; round++) await clock.step(500);
          if (restarts[index]) await cluster.restart();
        }
        await setImage(client, 'web:last');
        await settle();
        expect((await podsIn(client)).filter(isActive).map(imageOf)).toEqual(
          Array(replicas).fill('web:last'),
        );
        expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
      },
    ),
    { numRuns: runs(15), endOnFailure: true },
  );
}, 240_000);

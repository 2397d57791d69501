import { expect, test } from 'vitest';
import type { Pod, ReplicaSet, ReplicationController } from '../../../../lib/api/gen/types.ts';
import type { KubeClient, Resource } from '../../../../lib/client/port.ts';
import { pods, replicaSets, replicationControllers } from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { addHollowNode } from './hollow-node.ts';
import { lagging, manyLags } from './lagging-client.ts';
import { isReady, podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';
import { watchWrites } from './watched-client.ts';

type Owner = ReplicaSet | ReplicationController;

const ref = { namespace: 'test', name: 'web' };
const isActive = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp && status?.phase !== 'Failed' && status?.phase !== 'Succeeded';
const isTheirs = (pod: Pod) => pod.metadata.labels?.['app'] === 'web' && isActive(pod);

interface Facts {
  wanted: number;
  active: number;
}

async function factsNow(client: KubeClient, resource: Resource<Owner>): Promise<Facts> {
  const { spec } = await client.get(resource, ref);
  return { wanted: spec.replicas ?? 1, active: (await podsIn(client)).filter(isTheirs).length };
}

/** Notes pods made past what is asked for, or taken below it. What the user did since is not held against anybody. */
function guarded(
  client: KubeClient,
  resource: Resource<Owner>,
  recent: () => Facts | undefined,
  broken: string[],
): KubeClient {
  const seen = watchWrites(client, {
    async before(verb, plural, subject) {
      if (plural !== 'pods' || (verb !== 'create' && verb !== 'delete')) return;
      const worlds = [await factsNow(client, resource), recent()].filter((facts) => facts !== undefined);
      if (verb === 'create') {
        if (worlds.every(({ wanted, active }) => active >= wanted)) broken.push('created one too many');
        return;
      }
      const { name } = subject as { name: string };
      const victim = (await podsIn(client)).find(({ metadata }) => metadata.name === name);
      if (!victim || !isActive(victim)) return;
      if (!isTheirs(victim)) broken.push(`deleted ${name}, which is not its own`);
      if (worlds.every(({ wanted, active }) => active <= wanted)) broken.push('deleted one too many');
    },
  });
  return oneAtATime(seen);
}

type Action =
  | { do: 'scale'; replicas: number }
  | { do: 'lose' | 'fail' | 'release'; at: number }
  | { do: 'orphan'; at: number };

const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 6 }) }),
  fc.record({
    do: fc.constantFrom('lose' as const, 'fail' as const, 'release' as const, 'orphan' as const),
    at: fc.integer({ min: 0, max: 5 }),
  }),
);

async function act(client: KubeClient, resource: Resource<Owner>, action: Action): Promise<void> {
  if (action.do === 'scale') {
    const patch = { spec: { replicas: action.replicas } };
    await client.patch(resource, ref, { type: 'merge', patch });
    return;
  }
  if (action.do === 'orphan') {
    const { metadata, spec } = podTemplate('web:1');
    await client.create(pods, {
      metadata: { ...metadata, namespace: 'test', generateName: 'orphan-' },
      spec,
    });
    return;
  }
  const found = (await podsIn(client)).filter(isTheirs)[action.at];
  if (!found) return;
  const name = { namespace: 'test', name: found.metadata.name };
  if (action.do === 'lose') await client.delete(pods, name, { gracePeriodSeconds: 0 });
  else if (action.do === 'release') {
    const patch = { metadata: { labels: { app: 'other' } } };
    await client.patch(pods, name, { type: 'merge', patch });
  } else {
    const status = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'False' }] };
    await client.patch(pods, name, { type: 'strategic', patch: { status } }, { subresource: 'status' });
  }
}

const kinds: { resource: Resource<Owner>; controller: string; selector: object }[] = [
  { resource: replicaSets, controller: 'replicaset', selector: { matchLabels: { app: 'web' } } },
  { resource: replicationControllers, controller: 'replicationcontroller', selector: { app: 'web' } },
];

test.each(kinds)(
  'a $resource.kind has as many pods as asked, never more, whatever its user does and wherever its controller dies',
  async ({ resource, controller, selector }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          replicas: fc.integer({ min: 0, max: 5 }),
          steps: fc.array(fc.record({ action: actions, restart: fc.boolean() }), {
            minLength: 1,
            maxLength: 6,
          }),
          deaths: manyDeaths,
          lags: manyLags,
        }),
        async (run) => {
          const broken: string[] = [];
          const deaths: Death[] = [];
          const lags = [...run.lags];
          let recent: Facts | undefined;
          await using cluster = await openCluster({
            controllers: [controller, 'serviceaccount'],
            wrapReads: (client) => lagging(client, () => lags.shift()),
            wrap: (client) =>
              dying(
                guarded(client, resource, () => recent, broken),
                () => deaths.shift(),
              ),
          });
          const { client, clock, informers } = cluster;
          const node = await addHollowNode(client, informers, clock);
          await testNamespaceWithAccount(client);
          deaths.push(...run.deaths);
          const spec = { replicas: run.replicas, selector, template: podTemplate('web:1') };
          await client.create(resource, { metadata: ref, spec } as Owner);
          for (const { action, restart } of run.steps) {
            await cluster.controllers.queue.idle();
            recent = await factsNow(client, resource);
            await act(client, resource, action);
            await cluster.controllers.queue.idle();
            recent = undefined;
            if (restart) await cluster.restart();
            for (let round = 0; round < 4; round++) await clock.step(500);
          }
          const owner = await eventually(
            'as many as asked',
            async () => {
              await clock.step(1_000);
              const found = await client.get(resource, ref);
              const all = (await podsIn(client)).filter(isTheirs);
              const isRight =
                all.length === found.spec.replicas &&
                all.every(isReady) &&
                (found.status?.readyReplicas ?? 0) === all.length &&
                found.status?.replicas === all.length;
              return isRight && found;
            },
            { everyMs: 5, withinMs: 90_000 },
          );
          for (const pod of await podsIn(client)) {
            const owners = pod.metadata.ownerReferences?.map(({ uid }) => uid) ?? [];
            if (isActive(pod)) expect(owners).toEqual(isTheirs(pod) ? [owner.metadata.uid] : []);
          }
          expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
        },
      ),
      { numRuns: runs(10), endOnFailure: true },
    );
  },
  240_000,
);

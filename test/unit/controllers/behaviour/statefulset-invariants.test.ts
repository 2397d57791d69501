import { expect, test } from 'vitest';
import { ordinalOf } from '../../../../functions/controllers/statefulset/identity.ts';
import { maxUnavailable } from '../../../../functions/controllers/statefulset/plan.ts';
import type { Pod, StatefulSet } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import {
  controllerRevisions,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { addHollowNode } from './hollow-node.ts';
import { lagging, manyLags } from './lagging-client.ts';
import { imageOf, isReady, podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';
import { watchWrites } from './watched-client.ts';

const ref = { namespace: 'test', name: 'web' };
const isLiving = ({ metadata }: Pod) => !metadata.deletionTimestamp;
const ordinal = (pod: Pod) => ordinalOf(pod, 'web') ?? -1;

interface World {
  set: StatefulSet;
  pods: readonly Pod[];
}

async function worldNow(client: KubeClient): Promise<World> {
  return { set: await client.get(statefulSets, ref), pods: await podsIn(client) };
}

/**
 * Notes every write that breaks a promise of the set. What its user did after the controller had looked is not held
 * against it: `recent` is the world before that, while a reconcile may still go by it.
 */
function guarded(client: KubeClient, recent: () => World | undefined, broken: string[]): KubeClient {
  const seen = watchWrites(client, {
    async before(verb, resource, subject) {
      if (resource !== 'pods' || (verb !== 'create' && verb !== 'delete')) return;
      const worlds = [await worldNow(client), recent()].filter((world) => world !== undefined);
      const problems = worlds.map((world) =>
        verb === 'create'
          ? problemsOfCreate(world, subject as Pod)
          : problemsOfDelete(world, (subject as { name: string }).name),
      );
      if (problems.every((found) => found.length > 0)) broken.push(...(problems[0] ?? []));
    },
  });
  return oneAtATime(seen);
}

/** In an ordered set all that come before are there and ready. */
function problemsOfCreate({ set, pods: all }: World, pod: Pod): string[] {
  const start = set.spec.ordinals?.start ?? 0;
  const its = ordinal(pod);
  if (its < start || its >= start + (set.spec.replicas ?? 1)) return [`created ${its}, out of range`];
  if (set.spec.podManagementPolicy === 'Parallel') return [];
  const earlier = Array.from({ length: its - start }, (_, index) => start + index);
  const lacking = earlier.filter((before) => {
    const other = all.find((one) => ordinal(one) === before);
    return !other || !isReady(other) || !isLiving(other);
  });
  return lacking.map((before) => `created ${its} before ${before} was ready`);
}

/** What is scaled away goes from the top; an update takes no more pods than may be unavailable. */
function problemsOfDelete({ set, pods: all }: World, name: string): string[] {
  const pod = all.find(({ metadata }) => metadata.name === name);
  if (!pod || !isReady(pod) || !isLiving(pod)) return [];
  const start = set.spec.ordinals?.start ?? 0;
  const replicas = set.spec.replicas ?? 1;
  const isInRange = (its: number) => its >= start && its < start + replicas;
  if (!isInRange(ordinal(pod))) {
    const above = all.filter((one) => ordinal(one) > ordinal(pod));
    const isOrdered = set.spec.podManagementPolicy !== 'Parallel';
    return isOrdered && above.length > 0 ? [`deleted ${name} before those above it had gone`] : [];
  }
  const problems: string[] = [];
  const available = all.filter((one) => isInRange(ordinal(one)) && isReady(one) && isLiving(one)).length;
  if (available - 1 < replicas - maxUnavailable(set)) {
    problems.push(`deleted ${name} with ${available} available of ${replicas}`);
  }
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  if (ordinal(pod) < start + partition) problems.push(`deleted ${name} below the partition`);
  return problems;
}

type Action =
  | { do: 'scale'; replicas: number }
  | { do: 'image'; image: string }
  | { do: 'partition'; partition: number }
  | { do: 'lose'; ordinal: number }
  | { do: 'fail'; ordinal: number };

const actions = fc.oneof(
  fc.record({ do: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ do: fc.constant('image' as const), image: fc.constantFrom('web:1', 'web:2', 'web:3') }),
  fc.record({ do: fc.constant('partition' as const), partition: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ do: fc.constant('lose' as const), ordinal: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ do: fc.constant('fail' as const), ordinal: fc.integer({ min: 0, max: 4 }) }),
);

async function act(client: KubeClient, action: Action): Promise<void> {
  const patch = (spec: object) => client.patch(statefulSets, ref, { type: 'merge', patch: { spec } });
  switch (action.do) {
    case 'scale':
      await patch({ replicas: action.replicas });
      return;
    case 'image':
      await patch({ template: podTemplate(action.image) });
      return;
    case 'partition':
      await patch({ updateStrategy: { rollingUpdate: { partition: action.partition } } });
      return;
    case 'lose':
    case 'fail': {
      const found = (await podsIn(client)).find((pod) => ordinal(pod) === action.ordinal && isLiving(pod));
      if (!found) return;
      const name = { namespace: 'test', name: found.metadata.name };
      if (action.do === 'lose') await client.delete(pods, name, { gracePeriodSeconds: 0 });
      else {
        const status = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'False' }] };
        await client.patch(pods, name, { type: 'strategic', patch: { status } }, { subresource: 'status' });
      }
    }
  }
}

/** An ordered set waits for its user where more than one of the pods that are to go have failed. */
async function removeLost(client: KubeClient, { spec }: StatefulSet): Promise<void> {
  const end = (spec.ordinals?.start ?? 0) + (spec.replicas ?? 1);
  for (const lost of await podsIn(client)) {
    if (lost.status?.phase !== 'Failed' || ordinal(lost) < end || !isLiving(lost)) continue;
    await client.delete(pods, { namespace: 'test', name: lost.metadata.name });
  }
}

function isSettled({ metadata, spec, status }: StatefulSet): boolean {
  const counts = [status?.replicas, status?.readyReplicas, status?.updatedReplicas, status?.currentReplicas];
  return (
    status?.observedGeneration === metadata.generation &&
    status?.currentRevision === status?.updateRevision &&
    counts.every((count) => (count ?? 0) === spec.replicas)
  );
}

test('a StatefulSet keeps order, identity and availability, whatever its user does and wherever its controller dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        podManagementPolicy: fc.constantFrom('OrderedReady', 'Parallel'),
        replicas: fc.integer({ min: 1, max: 4 }),
        maxUnavailable: fc.constantFrom<number | string>(1, 2, '50%'),
        start: fc.integer({ min: 0, max: 2 }),
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
        let recent: World | undefined;
        await using cluster = await openCluster({
          controllers: ['statefulset', 'serviceaccount'],
          wrapReads: (client) => lagging(client, () => lags.shift()),
          wrap: (client) =>
            dying(
              guarded(client, () => recent, broken),
              () => deaths.shift(),
            ),
        });
        const { client, clock, informers } = cluster;
        const node = await addHollowNode(client, informers, clock);
        await testNamespaceWithAccount(client);
        deaths.push(...run.deaths);
        const rollingUpdate = { maxUnavailable: run.maxUnavailable };
        await client.create(statefulSets, {
          metadata: ref,
          spec: {
            replicas: run.replicas,
            podManagementPolicy: run.podManagementPolicy,
            ordinals: { start: run.start },
            updateStrategy: { type: 'RollingUpdate', rollingUpdate },
            selector: { matchLabels: { app: 'web' } },
            template: podTemplate('web:1'),
            revisionHistoryLimit: 2,
            volumeClaimTemplates: [
              {
                metadata: { name: 'data' },
                spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
              },
            ],
          },
        });
        for (const { action, restart } of run.steps) {
          await cluster.controllers.queue.idle();
          recent = await worldNow(client);
          await act(client, action);
          await cluster.controllers.queue.idle();
          recent = undefined;
          if (restart) await cluster.restart();
          for (let round = 0; round < 4; round++) await clock.step(500);
        }
        recent = await worldNow(client);
        await act(client, { do: 'partition', partition: 0 });
        await act(client, { do: 'image', image: 'web:last' });
        await cluster.controllers.queue.idle();
        recent = undefined;
        const last = await eventually(
          'the set to settle',
          async () => {
            await clock.step(1_000);
            const found = await client.get(statefulSets, ref);
            await removeLost(client, found);
            return isSettled(found) && found;
          },
          { everyMs: 5, withinMs: 90_000 },
        );
        const all = await podsIn(client);
        const wanted = Array.from(
          { length: last.spec.replicas ?? 1 },
          (_, index) => `web-${run.start + index}`,
        );
        expect(all.map(({ metadata }) => metadata.name).sort()).toEqual(wanted);
        expect(new Set(all.map(imageOf))).toEqual(new Set(wanted.length > 0 ? ['web:last'] : []));
        const claims = (await client.list(persistentVolumeClaims, { namespace: 'test' })).items;
        const names = claims.map(({ metadata }) => metadata.name);
        expect(names).toEqual(expect.arrayContaining(wanted.map((name) => `data-${name}`)));
        await eventually('old revisions to go', async () => {
          await clock.step(1_000);
          return (await client.list(controllerRevisions, { namespace: 'test' })).items.length <= 3;
        });
        expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
      },
    ),
    { numRuns: runs(12), endOnFailure: true },
  );
}, 240_000);

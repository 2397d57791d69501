import { expect, test } from 'vitest';
import { nodeOf } from '../../../../functions/controllers/daemonset/placement.ts';
import type { DaemonSet, Node, Pod } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { controllerRevisions, daemonSets, nodes, pods } from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { addHollowNode } from './hollow-node.ts';
import { lagging, manyLags } from './lagging-client.ts';
import { imageOf, isReady, podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';
import { watchWrites } from './watched-client.ts';

const ref = { namespace: 'test', name: 'web' };
const nodeNames = ['node-1', 'node-2', 'node-3', 'node-4'];
const isLiving = ({ metadata, status }: Pod) => !metadata.deletionTimestamp && status?.phase !== 'Failed';
const isAvailable = (pod: Pod) => isReady(pod) && isLiving(pod);

interface World {
  set: DaemonSet;
  nodes: readonly Node[];
  pods: readonly Pod[];
}

async function worldNow(client: KubeClient): Promise<World> {
  const { items } = await client.list(nodes);
  return { set: await client.get(daemonSets, ref), nodes: items, pods: await podsIn(client) };
}

/** Notes writes that break a promise. What the user did since the controller looked is not held against it. */
function guarded(
  client: KubeClient,
  facts: { recent: () => World | undefined; down: Down },
  broken: string[],
): KubeClient {
  const seen = watchWrites(client, {
    async before(verb, resource, subject) {
      if (resource !== 'pods') return;
      const now = await worldNow(client);
      if (verb === 'delete') {
        broken.push(...problemsOfDelete(now, (subject as { name: string }).name, facts.down));
      }
      if (verb !== 'create') return;
      const worlds = [now, facts.recent()].filter((world) => world !== undefined);
      const problems = worlds.map((world) => problemsOfCreate(world, subject as Pod));
      if (problems.every((found) => found.length > 0)) broken.push(...(problems[0] ?? []));
    },
  });
  return oneAtATime(seen);
}

function mayRunOn(node: Node): boolean {
  return !node.spec?.taints?.some(({ key }) => key === 'away');
}

function surgeOf({ spec }: DaemonSet): number {
  const surge = spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0;
  return typeof surge === 'number' ? surge : nodeNames.length;
}

/** One pod a node, two where a surge is allowed, and none where there should be none. */
function problemsOfCreate(world: World, pod: Pod): string[] {
  const target = nodeOf(pod);
  const node = world.nodes.find(({ metadata }) => metadata.name === target);
  if (!node || !mayRunOn(node)) return [`created a pod for ${target}`];
  const there = world.pods.filter((one) => isLiving(one) && nodeOf(one) === target).length;
  return there >= (surgeOf(world.set) > 0 ? 2 : 1) ? [`created one more than ${there} on ${target}`] : [];
}

/** Nodes whose pod was taken away for a newer one of the same template, until that is available. */
type Down = Set<string>;

/**
 * No more of them than may be unavailable. Pods of older templates that are not available count for nothing: a
 * template that follows another at once takes its own number away, as upstream has it.
 */
function problemsOfDelete({ set, nodes: all, pods: existing }: World, name: string, down: Down): string[] {
  const serves = (node: string, without?: string) =>
    existing.some((one) => nodeOf(one) === node && isAvailable(one) && one.metadata.name !== without);
  const wanted = all.filter(mayRunOn).map((node) => node.metadata.name);
  for (const node of down) if (serves(node) || !wanted.includes(node)) down.delete(node);
  const pod = existing.find(({ metadata }) => metadata.name === name);
  if (!pod || !isAvailable(pod)) return [];
  const target = nodeOf(pod) ?? '';
  if (!wanted.includes(target) || serves(target, name)) return [];
  down.add(target);
  const { maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const limit = typeof maxUnavailable === 'number' ? maxUnavailable : nodeNames.length;
  return down.size > limit ? [`deleted ${name}: ${[...down].join()} without a pod`] : [];
}

type Action = { do: 'image'; image: string } | { do: 'taint' | 'clear' | 'lose' | 'fail'; node: string };

const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('image' as const), image: fc.constantFrom('web:1', 'web:2', 'web:3', 'bad') }),
  fc.record({
    do: fc.constantFrom('taint' as const, 'clear' as const, 'lose' as const, 'fail' as const),
    node: fc.constantFrom(...nodeNames),
  }),
);

async function act(client: KubeClient, action: Action): Promise<void> {
  if (action.do === 'image') {
    const patch = { spec: { template: podTemplate(action.image) } };
    await client.patch(daemonSets, ref, { type: 'merge', patch });
  } else if (action.do === 'taint' || action.do === 'clear') {
    const taints = action.do === 'taint' ? [{ key: 'away', effect: 'NoExecute' }] : [];
    await client.patch(nodes, { name: action.node }, { type: 'merge', patch: { spec: { taints } } });
  } else {
    const found = (await podsIn(client)).find((pod) => nodeOf(pod) === action.node && isLiving(pod));
    if (!found) return;
    const name = { namespace: 'test', name: found.metadata.name };
    if (action.do === 'lose') await client.delete(pods, name, { gracePeriodSeconds: 0 });
    else {
      const status = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'False' }] };
      await client.patch(pods, name, { type: 'strategic', patch: { status } }, { subresource: 'status' });
    }
  }
}

test('a DaemonSet has its pods where they belong and never fewer than allowed, whatever happens and wherever its controller dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        rollingUpdate: fc.constantFrom(
          { maxUnavailable: 1, maxSurge: 0 },
          { maxUnavailable: 2, maxSurge: 0 },
          { maxUnavailable: 0, maxSurge: 1 },
          { maxUnavailable: 0, maxSurge: '100%' },
        ),
        steps: fc.array(fc.record({ action: actions, restart: fc.boolean() }), {
          minLength: 1,
          maxLength: 7,
        }),
        deaths: manyDeaths,
        lags: manyLags,
      }),
      async (run) => {
        const broken: string[] = [];
        const deaths: Death[] = [];
        const lags = [...run.lags];
        let recent: World | undefined;
        const down: Down = new Set();
        await using cluster = await openCluster({
          controllers: ['daemonset', 'serviceaccount'],
          wrapReads: (client) => lagging(client, () => lags.shift()),
          wrap: (client) =>
            dying(guarded(client, { recent: () => recent, down }, broken), () => deaths.shift()),
        });
        const { client, clock, informers } = cluster;
        const hollow = [];
        for (const name of nodeNames) {
          const node = await addHollowNode(client, informers, clock, name);
          node.accept = (pod) => imageOf(pod) !== 'bad';
          hollow.push(node);
          await act(client, { do: 'clear', node: name });
        }
        await testNamespaceWithAccount(client);
        deaths.push(...run.deaths);
        await client.create(daemonSets, {
          metadata: ref,
          spec: {
            selector: { matchLabels: { app: 'web' } },
            template: podTemplate('web:1'),
            revisionHistoryLimit: 2,
            updateStrategy: { type: 'RollingUpdate', rollingUpdate: run.rollingUpdate },
          },
        });
        for (const { action, restart } of run.steps) {
          await cluster.controllers.queue.idle();
          recent = await worldNow(client);
          await act(client, action);
          await cluster.controllers.queue.idle();
          // What it did while the user acted belongs to neither before nor after.
          down.clear();
          recent = undefined;
          if (restart) await cluster.restart();
          for (let round = 0; round < 4; round++) await clock.step(500);
        }
        await cluster.controllers.queue.idle();
        recent = await worldNow(client);
        await act(client, { do: 'image', image: 'web:last' });
        await cluster.controllers.queue.idle();
        down.clear();
        recent = undefined;
        const wanted = (await client.list(nodes)).items.filter(mayRunOn).map(({ metadata }) => metadata.name);
        await eventually(
          'the set to settle',
          async () => {
            await clock.step(1_000);
            const all = (await podsIn(client)).filter(isAvailable);
            const { status } = await client.get(daemonSets, ref);
            const places = all.map((pod) => pod.spec.nodeName ?? '').sort();
            return (
              (await podsIn(client)).length === all.length &&
              all.every((pod) => imageOf(pod) === 'web:last') &&
              places.join() === wanted.toSorted().join() &&
              (status?.numberAvailable ?? 0) === wanted.length &&
              (status?.updatedNumberScheduled ?? 0) === wanted.length
            );
          },
          { everyMs: 5, withinMs: 90_000 },
        );
        await eventually('old revisions to go', async () => {
          await clock.step(1_000);
          return (await client.list(controllerRevisions, { namespace: 'test' })).items.length <= 3;
        });
        expect({ broken, errors: hollow.flatMap(({ errors }) => errors) }).toEqual({
          broken: [],
          errors: [],
        });
      },
    ),
    { numRuns: runs(12), endOnFailure: true },
  );
}, 240_000);

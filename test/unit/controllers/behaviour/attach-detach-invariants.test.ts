import { expect, test } from 'vitest';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { nodes, volumeAttachments } from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { podsIn, testNamespaceWithAccount } from './objects.ts';
import {
  addNode,
  answer,
  attachmentsOf,
  boundVolume,
  podUsing,
  removePod,
  setInUse,
  uniqueName,
} from './volume-attachments.ts';
import { watchWrites } from './watched-client.ts';

const nodeNames = ['node-0', 'node-1', 'node-2'];
const volumes = ['one', 'two'];

/** Notes a volume that is asked for on two nodes, or taken from one that has it mounted. All nodes are well here. */
function guarded(client: KubeClient, broken: string[]): KubeClient {
  const seen = watchWrites(client, {
    async before(verb, resource, subject) {
      if (resource !== 'volumeattachments') return;
      const all = await attachmentsOf(client);
      if (verb === 'create') {
        const { spec } = subject as (typeof all)[number];
        const volume = spec.source.persistentVolumeName;
        const others = all.filter((one) => one.spec.source.persistentVolumeName === volume);
        if (others.some((one) => one.spec.nodeName !== spec.nodeName)) broken.push(`${volume} on two nodes`);
      } else if (verb === 'delete') {
        const { name } = subject as { name: string };
        const { spec } = all.find(({ metadata }) => metadata.name === name) ?? {};
        if (!spec) return;
        const volume = spec.source.persistentVolumeName ?? '';
        const node = await client.get(nodes, { name: spec.nodeName });
        if (node.status?.volumesInUse?.includes(uniqueName(volume)))
          broken.push(`${volume} taken while mounted`);
      }
    },
  });
  return oneAtATime(seen);
}

/** Nodes mount what is attached for their pods and let go of the rest; the driver attaches at once. */
async function playAlong(client: KubeClient): Promise<void> {
  for (const attachment of await attachmentsOf(client)) {
    if (!attachment.status?.attached) await answer(client, attachment, { attached: true });
  }
  const all = await podsIn(client);
  for (const name of nodeNames) {
    const { status } = await client.get(nodes, { name });
    const attached = new Set(status?.volumesAttached?.map((volume) => volume.name));
    const needed = volumes.filter((volume) =>
      all.some(
        ({ spec }) =>
          spec.nodeName === name &&
          spec.volumes?.some((one) => one.persistentVolumeClaim?.claimName === volume),
      ),
    );
    await setInUse(
      client,
      name,
      needed.filter((volume) => attached.has(uniqueName(volume))),
    );
  }
}

test('a volume for one node is never on two, nor taken while it is mounted, wherever the controller dies', async () => {
  const steps = fc.array(
    fc.record({
      pod: fc.integer({ min: 0, max: 3 }),
      volume: fc.constantFrom(...volumes),
      node: fc.constantFrom(...nodeNames),
      restart: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(steps, manyDeaths, async (moves, planned) => {
      const broken: string[] = [];
      const deaths: Death[] = [];
      await using cluster = await openCluster({
        controllers: ['attachdetach', 'serviceaccount'],
        wrap: (client) => dying(guarded(client, broken), () => deaths.shift()),
      });
      const { client, clock } = cluster;
      await testNamespaceWithAccount(client);
      for (const name of nodeNames) await addNode(client, name);
      for (const name of volumes) await boundVolume(client, name);
      deaths.push(...planned);
      for (const { pod, volume, node, restart } of moves) {
        const name = `pod-${pod}`;
        if ((await podsIn(client)).some(({ metadata }) => metadata.name === name))
          await removePod(client, name);
        else await podUsing(client, name, volume, node);
        for (let round = 0; round < 3; round++) await clock.step(300);
        await cluster.controllers.queue.idle();
        await playAlong(client);
        if (restart) {
          await cluster.restart();
          await cluster.controllers.queue.idle();
        }
      }
      for (const { metadata } of await podsIn(client)) await removePod(client, metadata.name);
      await podUsing(client, 'last', 'one', 'node-2');
      await eventually('only what is needed is attached, where it is needed', async () => {
        await playAlong(client);
        await clock.step(1_000);
        const { items } = await client.list(volumeAttachments);
        expect(items.map(({ spec }) => [spec.source.persistentVolumeName, spec.nodeName])).toEqual([
          ['one', 'node-2'],
        ]);
        const { status } = await client.get(nodes, { name: 'node-2' });
        expect(status?.volumesAttached?.map(({ name }) => name)).toEqual([uniqueName('one')]);
        return true;
      });
      expect(broken).toEqual([]);
    }),
    { numRuns: runs(10), endOnFailure: true },
  );
}, 240_000);

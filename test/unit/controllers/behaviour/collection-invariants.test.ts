import { expect, test } from 'vitest';
import type { ConfigMap } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { configMaps, namespaces, secrets } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths } from './dying-client.ts';
import { testNamespace, testNamespaceWithAccount } from './objects.ts';

const policies = ['Background', 'Foreground', 'Orphan'] as const;
type Policy = (typeof policies)[number];

const nameOf = (index: number) => `object-${index}`;

/** What is left of a graph of owners: by name, the owners that an object still has. */
class Model {
  readonly owners = new Map<string, Set<string>>();

  delete(name: string, policy: Policy): void {
    if (!this.owners.delete(name)) return;
    if (policy === 'Orphan') {
      for (const left of this.owners.values()) left.delete(name);
      return;
    }
    for (const [other, owners] of [...this.owners]) {
      const wasHeld = owners.delete(name);
      if (wasHeld && owners.size === 0) this.delete(other, 'Background');
    }
  }

  names(): string[] {
    return [...this.owners.keys()].sort();
  }
}

async function namesIn(client: KubeClient): Promise<string[]> {
  const { items } = await client.list(configMaps, { namespace: 'test' });
  return items.map(({ metadata }) => metadata.name).sort();
}

async function createGraph(client: KubeClient, graph: readonly (readonly number[])[]): Promise<Model> {
  const model = new Model();
  const made: Persisted<ConfigMap>[] = [];
  for (const [index, picks] of graph.entries()) {
    // Of those before it: a graph without circles, in which one may have several owners.
    const own = index === 0 ? [] : [...new Set(picks.map((pick) => pick % index))];
    const ownerReferences = own.map((at) => {
      const { name = '', uid = '' } = made[at]?.metadata ?? {};
      return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: true };
    });
    made.push(
      await client.create(configMaps, {
        metadata: { namespace: 'test', name: nameOf(index), ...(own.length > 0 && { ownerReferences }) },
      }),
    );
    model.owners.set(nameOf(index), new Set(own.map(nameOf)));
  }
  return model;
}

test('what has no owner left goes, and nothing else, whatever the policy and wherever the collector dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        graph: fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 2, maxLength: 10 }),
        deletions: fc.array(
          fc.record({ at: fc.nat(9), policy: fc.constantFrom(...policies), restart: fc.boolean() }),
          { minLength: 1, maxLength: 4 },
        ),
        deaths: manyDeaths,
      }),
      async ({ graph, deletions, deaths: planned }) => {
        const deaths: Death[] = [];
        await using cluster = await openCluster({
          controllers: ['garbage-collector', 'serviceaccount'],
          wrap: (client) => dying(client, () => deaths.shift()),
        });
        const { client, clock } = cluster;
        await testNamespaceWithAccount(client);
        const model = await createGraph(client, graph);
        deaths.push(...planned);
        for (const { at, policy, restart } of deletions) {
          const name = nameOf(at % graph.length);
          if (!model.owners.has(name)) continue;
          await client.delete(configMaps, { namespace: 'test', name }, { propagationPolicy: policy });
          if (restart) await cluster.restart();
          model.delete(name, policy);
          await eventually(`${policy} deletion of ${name} to be over`, async () => {
            await clock.step(1_000);
            expect(await namesIn(client)).toEqual(model.names());
            return true;
          });
          await cluster.controllers.queue.idle();
          expect(await namesIn(client)).toEqual(model.names());
        }
      },
    ),
    { numRuns: runs(10), endOnFailure: true },
  );
}, 240_000);

test('a namespace that is deleted goes, with all it holds, wherever its controller dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 6 }),
      manyDeaths,
      fc.boolean(),
      async (count, planned, held) => {
        const deaths: Death[] = [];
        await using cluster = await openCluster({
          controllers: ['namespace', 'serviceaccount'],
          wrap: (client) => dying(client, () => deaths.shift()),
        });
        const { client, clock } = cluster;
        await testNamespace(client);
        const finalizers = ['example.com/hold'];
        for (let index = 0; index < count; index++) {
          const metadata = { namespace: 'test', name: nameOf(index) };
          await client.create(configMaps, {
            metadata: { ...metadata, ...(held && index === 0 && { finalizers }) },
          });
          await client.create(secrets, { metadata });
        }
        deaths.push(...planned);
        await client.delete(namespaces, { name: 'test' });
        await cluster.restart();
        for (let round = 0; round < 10; round++) await clock.step(500);
        if (held && count > 0) {
          // Whoever holds something holds the namespace.
          expect((await client.get(namespaces, { name: 'test' })).metadata.deletionTimestamp).toBeDefined();
          const patch = { metadata: { finalizers: null } };
          await client.patch(configMaps, { namespace: 'test', name: nameOf(0) }, { type: 'merge', patch });
        }
        await eventually('it is gone', async () => {
          await clock.step(5_000);
          return client.get(namespaces, { name: 'test' }).then(
            () => false,
            (error: unknown) => isKind(error, 'NotFound'),
          );
        });
        expect(await namesIn(client)).toEqual([]);
        expect((await client.list(secrets, { namespace: 'test' })).items).toEqual([]);
      },
    ),
    { numRuns: runs(8), endOnFailure: true },
  );
}, 240_000);

import { expect, test } from 'vitest';
import type { Pod } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { pods, resourceQuotas } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths } from './dying-client.ts';
import { addHollowNode } from './hollow-node.ts';
import { podsIn, podTemplate, testNamespaceWithAccount } from './objects.ts';

const ref = { namespace: 'test', name: 'few' };
const milliOf = (quantity = '0') =>
  quantity.endsWith('m') ? Number.parseInt(quantity, 10) : Number(quantity) * 1000;
const requestOf = ({ spec }: Pod) => milliOf(spec.containers[0]?.resources?.requests?.['cpu']);
/** What a quota counts: nothing that has ended. */
const isCounted = ({ status }: Pod) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

interface Use {
  pods: number;
  cpuMilli: number;
}

async function useNow(client: KubeClient): Promise<Use> {
  const counted = (await podsIn(client)).filter(isCounted);
  return { pods: counted.length, cpuMilli: counted.reduce((sum, pod) => sum + requestOf(pod), 0) };
}

type Action =
  | { do: 'create'; count: number; cpuMilli: number; dryRun: boolean }
  | { do: 'delete' | 'finish'; at: number }
  | { do: 'hard'; pods: number; cpuMilli: number }
  | { do: 'wait'; ms: number }
  | { do: 'restart' };

const hard = { pods: fc.integer({ min: 0, max: 6 }), cpuMilli: fc.constantFrom(0, 300, 1000) };
const actions: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      count: fc.integer({ min: 1, max: 4 }),
      cpuMilli: fc.constantFrom(50, 100, 250),
      dryRun: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constantFrom('delete' as const, 'finish' as const), at: fc.nat(5) }),
  fc.record({ do: fc.constant('hard' as const), ...hard }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 20, 200, 30_000) }),
  fc.record({ do: fc.constant('restart' as const) }),
);

/** True where it was let in. */
async function createPod(client: KubeClient, name: string, cpuMilli: number, dryRun: boolean) {
  const template = podTemplate('web:1');
  const resources = { requests: { cpu: `${cpuMilli}m` } };
  const containers = [{ name: 'web', image: 'web:1', resources }];
  const pod = { metadata: { ...template.metadata, namespace: 'test', name }, spec: { containers } };
  try {
    await client.create(pods, pod, { dryRun });
    return !dryRun;
  } catch (error) {
    if (isKind(error, 'Forbidden', 'Conflict')) return false;
    throw error;
  }
}

async function end(client: KubeClient, action: 'delete' | 'finish', at: number): Promise<void> {
  const found = (await podsIn(client)).filter(isCounted)[at];
  if (!found) return;
  const name = { namespace: 'test', name: found.metadata.name };
  if (action === 'delete') {
    await client.delete(pods, name, { gracePeriodSeconds: 0 });
    return;
  }
  const conditions = [{ type: 'Ready', status: 'False' }];
  const patch = { status: { phase: 'Succeeded', conditions } };
  await client.patch(pods, name, { type: 'strategic', patch }, { subresource: 'status' });
}

test('a quota is never passed, and its status comes to say what is used, wherever its controller dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record(hard),
      fc.array(actions, { minLength: 3, maxLength: 14 }),
      manyDeaths,
      async (first, run, someDeaths) => {
        const deaths: Death[] = [];
        await using cluster = await openCluster({
          controllers: ['resourcequota', 'serviceaccount'],
          wrap: (client) => dying(client, () => deaths.shift()),
        });
        const { client, clock, informers } = cluster;
        const node = await addHollowNode(client, informers, clock);
        await testNamespaceWithAccount(client);
        const specOf = (limit: Use) => ({
          hard: { pods: `${limit.pods}`, 'requests.cpu': `${limit.cpuMilli}m` },
        });
        await client.create(resourceQuotas, { metadata: ref, spec: specOf(first) });
        await eventually('the quota is counted', async () => {
          await clock.step(1_000);
          return (await client.get(resourceQuotas, ref)).status?.used !== undefined;
        });
        deaths.push(...someDeaths);
        const broken: string[] = [];
        let limit: Use = first;
        let made = 0;
        for (const action of run) {
          switch (action.do) {
            case 'create': {
              const before = await useNow(client);
              const outcomes = await Promise.all(
                Array.from({ length: action.count }, () =>
                  createPod(client, `pod-${made++}`, action.cpuMilli, action.dryRun),
                ),
              );
              const taken = outcomes.filter(Boolean).length;
              const after = {
                pods: before.pods + taken,
                cpuMilli: before.cpuMilli + taken * action.cpuMilli,
              };
              if (taken > 0 && (after.pods > limit.pods || after.cpuMilli > limit.cpuMilli)) {
                broken.push(`${JSON.stringify(after)} of ${JSON.stringify(limit)}`);
              }
              break;
            }
            case 'hard': {
              limit = { pods: action.pods, cpuMilli: action.cpuMilli };
              await client.patch(resourceQuotas, ref, { type: 'merge', patch: { spec: specOf(limit) } });
              // Admission goes by what the status repeats of it.
              await eventually('the new limit to hold', async () => {
                await clock.step(50);
                const { spec, status } = await client.get(resourceQuotas, ref);
                expect(status?.hard).toEqual(spec.hard);
                return true;
              });
              break;
            }
            case 'wait':
              await clock.step(action.ms);
              break;
            case 'restart':
              await cluster.restart();
              break;
            default:
              await end(client, action.do, action.at);
          }
        }
        await eventually(
          'the status to say what is used',
          async () => {
            await clock.step(1_000);
            const { spec, status } = await client.get(resourceQuotas, ref);
            const { used = {}, hard: shown } = status ?? {};
            const told = { pods: Number(used['pods']), cpuMilli: milliOf(used['requests.cpu']) };
            expect({ told, shown }).toEqual({ told: await useNow(client), shown: spec.hard });
            return true;
          },
          { everyMs: 5 },
        );
        expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
      },
    ),
    { numRuns: runs(15), endOnFailure: true },
  );
}, 300_000);

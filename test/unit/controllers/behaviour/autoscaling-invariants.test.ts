import { expect, test } from 'vitest';
import type { Deployment, Scale, V2HorizontalPodAutoscaler } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { horizontalPodAutoscalers } from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { type Metrics, openScaledCluster } from './autoscaled.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { getWeb, isRolledOut, patchWeb } from './objects.ts';
import { watchWrites } from './watched-client.ts';

const ref = { namespace: 'test', name: 'web' };
/** What each pod should use, and how far from it is as good. */
const targetMilli = 50;
const tolerance = 0.1;
/** The window for which it is held up, less the rounds at its two ends. */
const heldMs = 300_000 - 2 * 15_000;

interface World {
  autoscaler: V2HorizontalPodAutoscaler;
  web: Deployment;
}

async function worldNow(client: KubeClient): Promise<World> {
  return { autoscaler: await client.get(horizontalPodAutoscalers, ref), web: await getWeb(client) };
}

/** What it has wished for last without a low load, and for how long the load has been low since. */
interface Held {
  replicas: number;
  lowForMs: number;
}

/**
 * What would be wrong with this many replicas, as far as the load and the limits say. What it has wished for holds it up;
 * what its user made of the target meanwhile does not.
 */
function problemsOf(
  { autoscaler, web }: World,
  wanted: number,
  { cpuMilli = targetMilli }: Metrics,
  held: Held,
): string[] {
  const { minReplicas = 1, maxReplicas } = autoscaler.spec;
  const current = web.spec.replicas ?? 1;
  const step = `from ${current} to ${wanted} of ${minReplicas} to ${maxReplicas} at ${cpuMilli}m`;
  if (current === 0) return [`${step}: is turned off`];
  if (wanted < minReplicas || wanted > maxReplicas) return [`${step}: out of limits`];
  if (current > maxReplicas || current < minReplicas) return [];
  const ratio = cpuMilli / targetMilli;
  if (wanted > current && ratio <= 1 + tolerance) return [`${step}: up without a load`];
  if (wanted > Math.max(2 * current, current + 4)) return [`${step}: too far at once`];
  if (wanted < current && ratio >= 1 - tolerance) return [`${step}: down under load`];
  if (wanted < Math.min(current, held.replicas, maxReplicas) && held.lowForMs < heldMs)
    return [`${step}: down from ${held.replicas} after ${held.lowForMs} ms`];
  return [];
}

type Action =
  | { do: 'load'; cpuMilli: number }
  | { do: 'limits'; min: number; more: number }
  | { do: 'scale'; replicas: number }
  | { do: 'restart' };

const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('load' as const), cpuMilli: fc.constantFrom(5, 25, 50, 100, 400) }),
  fc.record({
    do: fc.constant('limits' as const),
    min: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 6 }),
  }),
  fc.record({ do: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ do: fc.constant('restart' as const) }),
);

test('an autoscaler keeps to its limits, the load and its windows, whatever its user does and wherever it dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ action: actions, rounds: fc.constantFrom(1, 3, 22) }), {
        minLength: 1,
        maxLength: 6,
      }),
      manyDeaths,
      async (run, someDeaths) => {
        const broken: string[] = [];
        const deaths: Death[] = [];
        let recent: World | undefined;
        let writes = 0;
        /** The last time at which it cannot have wished for fewer, and for how many it did. */
        let notLowAt = 0;
        let wished = 2;
        const guarded = (client: KubeClient) =>
          watchWrites(client, {
            async before(_verb, plural, subject) {
              if (plural !== 'deployments' || (subject as Scale).kind !== 'Scale') return;
              writes++;
              const wanted = (subject as Scale).spec?.replicas ?? 0;
              const held = { replicas: wished, lowForMs: cluster.clock.now() - notLowAt };
              const worlds = [await worldNow(cluster.client), recent].filter((world) => world !== undefined);
              const problems = worlds.map((world) => problemsOf(world, wanted, cluster.metrics, held));
              if (problems.every((found) => found.length > 0)) broken.push(...(problems[0] ?? []));
            },
          });
        await using cluster = await openScaledCluster({ minReplicas: 1, maxReplicas: 8 }, (client) =>
          dying(oneAtATime(guarded(client)), () => deaths.shift()),
        );
        const { client, clock, node, metrics } = cluster;
        metrics.cpuMilli = targetMilli;
        notLowAt = clock.now();
        const rounds = async (count: number) => {
          for (let round = 0; round < count; round++) {
            await clock.step(15_000);
            await cluster.controllers.queue.idle();
            if ((metrics.cpuMilli ?? 0) < targetMilli) continue;
            const { autoscaler, web } = await worldNow(client);
            const { currentReplicas, desiredReplicas } = autoscaler.status ?? {};
            // Where it died in between, it may not have seen how many there are.
            if (currentReplicas !== web.spec.replicas || desiredReplicas !== currentReplicas) continue;
            notLowAt = clock.now();
            wished = desiredReplicas ?? 0;
          }
        };
        await eventually('the first pods run', async () => {
          await clock.step(20);
          return isRolledOut(await getWeb(client));
        });
        deaths.push(...someDeaths);
        for (const { action, rounds: count } of run) {
          await cluster.controllers.queue.idle();
          recent = await worldNow(client);
          if (action.do === 'load') {
            ({ cpuMilli: metrics.cpuMilli } = action);
          } else if (action.do === 'limits') {
            const { min, more } = action;
            const patch = { spec: { minReplicas: min, maxReplicas: min + more } };
            await client.patch(horizontalPodAutoscalers, ref, { type: 'merge', patch });
          } else if (action.do === 'scale') await patchWeb(client, { replicas: action.replicas });
          else {
            await cluster.restart();
            notLowAt = clock.now();
            wished = (await getWeb(client)).spec.replicas ?? 1;
          }
          await cluster.controllers.queue.idle();
          recent = undefined;
          await rounds(count);
        }
        metrics.cpuMilli = targetMilli;
        const settled = async () => {
          const { autoscaler, web } = await worldNow(client);
          const replicas = web.spec.replicas ?? 1;
          const { minReplicas = 1, maxReplicas } = autoscaler.spec;
          const { currentReplicas, desiredReplicas } = autoscaler.status ?? {};
          return (
            isRolledOut(web) &&
            (replicas === 0 || (replicas >= minReplicas && replicas <= maxReplicas)) &&
            (currentReplicas ?? 0) === replicas &&
            desiredReplicas === replicas
          );
        };
        await eventually(
          'the number and the status to be right',
          async () => {
            await rounds(1);
            return settled();
          },
          { everyMs: 5 },
        );
        const before = writes;
        await rounds(5);
        expect(writes - before, 'writes once the load is what it should be').toBe(0);
        expect({ broken, errors: node.errors }).toEqual({ broken: [], errors: [] });
      },
    ),
    { numRuns: runs(10), endOnFailure: true },
  );
}, 300_000);

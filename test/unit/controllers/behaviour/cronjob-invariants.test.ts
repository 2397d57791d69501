import { expect, test } from 'vitest';
import type { Job } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { cronJobs, jobs } from '../../../../lib/client/resources.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths, oneAtATime } from './dying-client.ts';
import { testNamespaceWithAccount } from './objects.ts';
import { watchWrites } from './watched-client.ts';

const ref = { namespace: 'test', name: 'often' };
const isOver = ({ status }: Job) =>
  status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') ?? false;
const allJobs = async (client: KubeClient): Promise<Persisted<Job>[]> =>
  (await client.list(jobs, { namespace: 'test' })).items;

/** Notes Jobs that are made a second time, or beside another where that is forbidden. */
function guarded(client: KubeClient, policy: string, made: Set<string>, broken: string[]): KubeClient {
  const seen = watchWrites(client, {
    async before(verb, resource, subject) {
      if (verb !== 'create' || resource !== 'jobs') return;
      const { name = '' } = (subject as Job).metadata;
      const others = (await allJobs(client)).filter((job) => job.metadata.name !== name);
      const unfinished = others.filter((job) => !isOver(job) && !job.metadata.deletionTimestamp);
      if (policy !== 'Allow' && unfinished.length > 0)
        broken.push(`made ${name} beside ${unfinished.length}`);
      // A repetition is refused by its name; one after its end would run the same time twice.
      const isThere = (await allJobs(client)).length > others.length;
      if (made.has(name) && !isThere) broken.push(`made ${name} again`);
      made.add(name);
    },
  });
  return oneAtATime(seen);
}

async function finishOldest(client: KubeClient, nowMs: number, isFailed: boolean): Promise<void> {
  const [job] = (await allJobs(client)).filter((one) => !isOver(one));
  if (!job) return;
  const at = rfc3339(nowMs);
  const types = isFailed ? ['FailureTarget', 'Failed'] : ['SuccessCriteriaMet', 'Complete'];
  const conditions = types.map((type) => ({ type, status: 'True', lastTransitionTime: at }));
  const status = { ...job.status, startTime: at, conditions, ...(!isFailed && { completionTime: at }) };
  await client.update(jobs, { ...job, status }, { subresource: 'status' });
}

type Action =
  | { do: 'wait'; seconds: number }
  | { do: 'finish'; isFailed: boolean }
  | { do: 'suspend'; suspend: boolean };

const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 10, max: 200 }) }),
  fc.record({ do: fc.constant('finish' as const), isFailed: fc.boolean() }),
  fc.record({ do: fc.constant('suspend' as const), suspend: fc.boolean() }),
);

test('a CronJob has one Job for a time, never two at once where that is forbidden, and counts those that run, wherever its controller dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        concurrencyPolicy: fc.constantFrom('Allow', 'Forbid', 'Replace'),
        limit: fc.integer({ min: 0, max: 2 }),
        steps: fc.array(fc.record({ action: actions, restart: fc.boolean() }), {
          minLength: 2,
          maxLength: 8,
        }),
        deaths: manyDeaths,
      }),
      async ({ concurrencyPolicy, limit, steps, deaths: planned }) => {
        const broken: string[] = [];
        const made = new Set<string>();
        const deaths: Death[] = [];
        await using cluster = await openCluster({
          controllers: ['cronjob', 'garbage-collector', 'serviceaccount'],
          wrap: (client) => dying(guarded(client, concurrencyPolicy, made, broken), () => deaths.shift()),
        });
        const { client, clock } = cluster;
        await testNamespaceWithAccount(client);
        deaths.push(...planned);
        const template = {
          spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] },
        };
        await client.create(cronJobs, {
          metadata: ref,
          spec: {
            schedule: '* * * * *',
            concurrencyPolicy,
            successfulJobsHistoryLimit: limit,
            failedJobsHistoryLimit: limit,
            jobTemplate: { spec: { template } },
          },
        });
        const patch = (spec: object) => client.patch(cronJobs, ref, { type: 'merge', patch: { spec } });
        for (const { action, restart } of steps) {
          if (action.do === 'finish') await finishOldest(client, clock.now(), action.isFailed);
          else if (action.do === 'suspend') await patch({ suspend: action.suspend });
          else for (let second = 0; second < action.seconds; second += 5) await clock.step(5_000);
          await cluster.controllers.queue.idle();
          if (restart) {
            await cluster.restart();
            await cluster.controllers.queue.idle();
          }
        }
        await patch({ suspend: true });
        await eventually('what runs is what it says, and no more is kept than asked', async () => {
          await clock.step(1_000);
          const { status } = await client.get(cronJobs, ref);
          const all = (await allJobs(client)).filter(({ metadata }) => !metadata.deletionTimestamp);
          const active = (status?.active ?? []).map(({ uid = '' }) => uid).sort();
          const unfinished = all.filter((job) => !isOver(job)).map(({ metadata }) => metadata.uid);
          expect(active).toEqual(unfinished.sort());
          expect(all.filter(isOver).length).toBeLessThanOrEqual(2 * limit);
          return true;
        });
        expect(broken).toEqual([]);
      },
    ),
    { numRuns: runs(10), endOnFailure: true },
  );
}, 240_000);

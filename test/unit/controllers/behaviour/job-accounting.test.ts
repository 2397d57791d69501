import { expect, test } from 'vitest';
import { isTracked } from '../../../../functions/controllers/job/pods.ts';
import type { Job, JobSpec, Pod } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { jobs, pods } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc, { runs } from '../../../support/property.ts';
import { type Death, dying, manyDeaths } from './dying-client.ts';
import {
  conditionTypes,
  endPod,
  getWork,
  openJobCluster,
  patchWork,
  running,
  stepped,
  work,
} from './jobs.ts';
import { lagging, manyLags } from './lagging-client.ts';

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('end' as const),
      pod: fc.nat(5),
      code: fc.constantFrom(0, 0, 1, 42),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('delete' as const), pod: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('parallelism' as const), to: fc.integer({ min: 0, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('suspend' as const), to: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.constantFrom(0, 1_000, 15_000) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('restart' as const) }) },
);

const shape: fc.Arbitrary<Partial<JobSpec>> = fc
  .record({
    completions: fc.integer({ min: 1, max: 5 }),
    parallelism: fc.integer({ min: 1, max: 3 }),
    isIndexed: fc.boolean(),
    backoffLimit: fc.integer({ min: 0, max: 6 }),
    podReplacementPolicy: fc.constantFrom('Failed', 'TerminatingOrFailed'),
  })
  .map(({ isIndexed, ...rest }) => ({ ...rest, completionMode: isIndexed ? 'Indexed' : 'NonIndexed' }));

/**
 * Every pod that has ever been seen to end while the Job held it, by what it ended as, as the API server told it. One that
 * was let go before, because fewer are wanted, counts as nothing however it ends.
 */
function witness(cluster: Awaited<ReturnType<typeof openJobCluster>>) {
  const ended = new Map<string, Pod>();
  const broken: string[] = [];
  cluster.informers.informer(pods).onChange(({ after }) => {
    const { phase } = after?.status ?? {};
    if (!after || (phase !== 'Succeeded' && phase !== 'Failed')) return;
    if (isTracked(after) || ended.has(after.metadata.uid)) ended.set(after.metadata.uid, after);
  });
  cluster.informers.informer(jobs).onChange(({ before, after }) => {
    for (const field of ['succeeded', 'failed'] as const) {
      const [was, is] = [before?.status?.[field] ?? 0, after?.status?.[field] ?? 0];
      if (after && is < was) broken.push(`${field} went back from ${was} to ${is}`);
    }
    const types = after ? conditionTypes(after) : [];
    if (types.includes('Complete') && types.includes('Failed')) broken.push('complete and failed');
    if ((after?.status?.active ?? 0) > 3) broken.push(`${after?.status?.active} active`);
  });
  const count = (phase: string) => [...ended.values()].filter(({ status }) => status?.phase === phase).length;
  return { broken, count, ended };
}

test('whatever happens to its pods and wherever the controller dies, a Job counts each pod once and comes to its end', async () => {
  await fc.assert(
    fc.asyncProperty(
      shape,
      fc.array(act, { maxLength: 14 }),
      manyDeaths,
      manyLags,
      async (spec, acts, deaths, planned) => {
        const lags = [...planned];
        const queue: Death[] = [];
        await using cluster = await openJobCluster({
          wrap: (client) => dying(client, () => queue.shift()),
          wrapReads: (client) => lagging(client, () => lags.shift()),
        });
        const { client, clock } = cluster;
        const { broken, count } = witness(cluster);
        queue.push(...deaths);
        await client.create(jobs, work(spec));
        for (const one of acts) {
          await clock.step(100);
          if (one.act === 'wait') await clock.step(one.ms);
          else if (one.act === 'restart') await cluster.restart();
          else if (one.act === 'parallelism') await patchWork(client, { parallelism: Math.min(3, one.to) });
          else if (one.act === 'suspend') await patchWork(client, { suspend: one.to });
          else {
            const all = await running(client);
            const pod = all[one.pod % (all.length || 1)];
            if (!pod) continue;
            if (one.act === 'end') await endPod(cluster, pod, one.code);
            else await removePod(client, pod);
          }
        }
        queue.length = 0;
        await patchWork(client, { suspend: false, parallelism: 3 });
        const isOver = ({ status }: Job) =>
          status?.conditions?.some(
            ({ type, status: is }) => is === 'True' && (type === 'Complete' || type === 'Failed'),
          );
        const job = await stepped(
          cluster,
          'the end',
          async () => {
            for (const pod of await running(client)) await endPod(cluster, pod, 0);
            const current = await getWork(client);
            return isOver(current) && current;
          },
          2_000,
        );
        const { succeeded = 0, failed = 0, uncountedTerminatedPods, terminating, active } = job.status ?? {};
        expect(broken).toEqual([]);
        expect({ uncountedTerminatedPods, terminating, active }).toEqual({
          uncountedTerminatedPods: {},
          terminating: 0,
          active: undefined,
        });
        // No pod is counted that did not end, nor twice; an index counts once, however many pods it took.
        expect(succeeded).toBeLessThanOrEqual(count('Succeeded'));
        if (spec.completionMode === 'NonIndexed' && conditionTypes(job).includes('Complete')) {
          expect(succeeded).toBe(count('Succeeded'));
        }
        if (conditionTypes(job).includes('Complete')) {
          expect(succeeded).toBeGreaterThanOrEqual(spec.completions ?? 1);
          expect(failed).toBeLessThanOrEqual(spec.backoffLimit ?? 6);
        } else {
          expect(failed).toBeGreaterThan(spec.backoffLimit ?? 6);
        }
      },
    ),
    { numRuns: runs(25), endOnFailure: true },
  );
}, 240_000);

async function removePod(client: KubeClient, { metadata: { namespace, name } }: Pod): Promise<void> {
  try {
    await client.delete(pods, { namespace, name: name ?? '' });
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
}

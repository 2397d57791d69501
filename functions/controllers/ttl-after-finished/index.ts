import type { Job } from '../../../lib/api/gen/types.ts';
import { jobs } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { conditionOf } from '../job/conditions.ts';

/** Deletes Jobs that have been over for as long as they said (KEP-592). */
export const ttlAfterFinishedController: ControllerEntry = {
  name: 'ttl-after-finished',
  component: 'ttl-after-finished-controller',
  create,
};

function create({ client, clock, lister }: ControllerContext): Controller {
  const all = lister(jobs);

  async function reconcile(key: string): Promise<Result> {
    const job = all.get(key);
    const dueMs = job && !job.metadata.deletionTimestamp ? expiresAtMs(job) : undefined;
    if (!job || dueMs === undefined) return done;
    const leftMs = dueMs - clock.now();
    if (leftMs > 0) return requeueAfter(leftMs);
    const { namespace, name, uid, resourceVersion } = job.metadata;
    try {
      // As it was seen: a longer life that was given it meanwhile is respected.
      const preconditions = { uid, resourceVersion };
      await client.delete(jobs, { namespace, name }, { propagationPolicy: 'Foreground', preconditions });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  return { name: 'ttl-after-finished', watches: [watchOf(jobs, ownKey)], reconcile };
}

function expiresAtMs(job: Job): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  const ended = conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
  if (ttl === undefined || !ended?.lastTransitionTime) return undefined;
  return Date.parse(ended.lastTransitionTime) + ttl * 1000;
}

import type { Job, JobStatus, Pod } from '../../../lib/api/gen/types.ts';
import { joinKey, keyOf, type Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import { jobs, pods } from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { asError } from '../common/as-error.ts';
import { slowStartBatch } from '../common/batch.ts';
import { claimObjects } from '../common/claim.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import {
  candidatesFor,
  controllerIndex,
  controllerOf,
  controllerReference,
  controllersConcerned,
} from '../common/owners.ts';
import { createPod, deletePod } from '../common/pod-control.ts';
import { isPodReady } from '../common/pods.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { isFinished, type Outcome, withCondition } from './conditions.ts';
import { newPod } from './new-pod.ts';
import { completionOf, deadlineLeftMs, outcomeOf } from './outcome.ts';
import { type Plan, planOf } from './plan.ts';
import { isTracked, trackingFinalizer, untrack } from './pods.ts';
import { type JobState, observe } from './state.ts';
import { countUntracked, hasUncounted, takeIn } from './tracking.ts';

/** Runs a Job's pods to their completions (KEP-2307, KEP-2214, KEP-3329, KEP-3850, KEP-3939, KEP-3998). */
export const jobController: ControllerEntry = { name: 'job', component: 'job-controller', create };

/** The value of `spec.managedBy` that means this controller (KEP-4368). */
const ourselves = 'kubernetes.io/job-controller';
const byJob = 'job';
/** Before the key of a pod that waits for a Job that is no more. */
const orphanPrefix = 'orphan:';

/** What a pass did to the pods, and what went wrong with it. */
interface Acted {
  active: number;
  ready: number;
  terminating: number;
  waitMs: number | undefined;
  error: Error | undefined;
}

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const allJobs = context.lister(jobs);
  const allPods = context.lister(pods, {
    indexers: {
      ...controllerIndex,
      [byJob]: (pod) => {
        const owner = controllerOf(pod);
        return owner?.kind === jobs.kind ? [joinKey(pod.metadata.namespace, owner.name)] : [];
      },
    },
  });

  function wouldTake(pod: Pod): Job[] {
    if (!pod.metadata.labels) return [];
    return allJobs
      .list(pod.metadata.namespace)
      .filter(({ spec }) => matchesLabels(selectorFromObject(spec.selector), pod.metadata.labels));
  }

  async function reconcile(key: string): Promise<Result> {
    if (key.startsWith(orphanPrefix)) return await releaseOrphan(key.slice(orphanPrefix.length));
    const job = allJobs.get(key);
    const isOver = !job || isFinished(job);
    await releasePods(key, isOver ? undefined : job.metadata.uid);
    if (isOver || (job.spec.managedBy ?? ourselves) !== ourselves) return done;
    const selector = selectorFromObject(job.spec.selector);
    const claim = { client, ownerResource: jobs, owner: job, resource: pods, selector };
    const own = await claimObjects(
      { ...claim, finalizers: [trackingFinalizer] },
      candidatesFor(allPods, job),
    );
    return await sync(observe(job, own));
  }

  /** Nobody will count pods of a Job that is over or gone; `uid` is of the one that goes on under this name. */
  async function releasePods(key: string, uid: string | undefined): Promise<void> {
    for (const pod of allPods.byIndex(byJob, key)) {
      if (isTracked(pod) && controllerOf(pod)?.uid !== uid) await untrack(client, pod);
    }
  }

  async function releaseOrphan(key: string): Promise<Result> {
    const pod = allPods.get(key);
    if (pod && isTracked(pod) && !controllerOf(pod)) await untrack(client, pod);
    return done;
  }

  async function sync(state: JobState): Promise<Result> {
    const { job } = state;
    const now = clock.now();
    const status: JobStatus = { ...job.status };
    if (!status.startTime && !job.spec.suspend) status.startTime = rfc3339(now);
    let outcome = outcomeOf(state, now);
    let acted: Acted;
    if (outcome) {
      acted = await removeActive(state, state.active);
      // Pods that are left would not be counted.
      if (acted.active > 0) outcome = undefined;
    } else if (job.metadata.deletionTimestamp) {
      acted = unchanged(state);
    } else {
      acted = await carryOut(state, planOf(state, now));
      outcome = completionOf(state, acted.active);
      if (!outcome) tellSuspended(job, status, now);
    }
    set(status, 'active', acted.active);
    Object.assign(status, { ready: acted.ready, terminating: acted.terminating });
    await account(state, status, outcome, now);
    if (acted.error !== undefined) throw acted.error;
    const waits = [acted.waitMs, deadlineLeftMs({ ...job, status }, now)].filter((ms) => ms !== undefined);
    return waits.length > 0 && !outcome ? requeueAfter(Math.min(...waits)) : done;
  }

  async function carryOut(state: JobState, plan: Plan): Promise<Acted> {
    if (plan.remove.length > 0) return await removeActive(state, plan.remove, { counted: false });
    const { job } = state;
    const reference = controllerReference(jobs, job);
    const queue = [...plan.create];
    const { successes, error } = await slowStartBatch(queue.length, () => {
      const next = queue.shift();
      return createPod(context, job, newPod(job, reference, next?.index, next?.failures));
    });
    const { ready, terminating, active } = state;
    return {
      active: active.length + successes,
      ready,
      terminating,
      waitMs: plan.waitMs,
      // Nothing new can come to be in a namespace that goes away.
      error: error === undefined || isNamespaceTerminating(error) ? undefined : asError(error),
    };
  }

  /** Deletes pods; those that went because fewer are wanted do not count as failures. */
  async function removeActive(
    state: JobState,
    victims: readonly Persisted<Pod>[],
    { counted = true } = {},
  ): Promise<Acted> {
    const acted: Acted = { ...unchanged(state) };
    const remove = async (pod: Persisted<Pod>) => {
      if (!counted && isTracked(pod)) await untrack(client, pod, { unchanged: true });
      await deletePod(context, state.job, pod);
      acted.active--;
      acted.terminating++;
      if (isPodReady(pod)) acted.ready--;
    };
    const results = await Promise.allSettled(victims.map(remove));
    const failed = results.find((result) => result.status === 'rejected');
    acted.error = failed && asError(failed.reason);
    return acted;
  }

  function tellSuspended(job: Persisted<Job>, status: JobStatus, now: number): void {
    const says = job.spec.suspend
      ? ({ status: 'True', reason: 'JobSuspended', message: 'Job suspended' } as const)
      : ({ status: 'False', reason: 'JobResumed', message: 'Job resumed' } as const);
    const before = status.conditions ?? [];
    const conditions = withCondition(before, { type: 'Suspended', ...says }, now);
    if (conditions === before) return;
    status.conditions = [...conditions];
    const reason = job.spec.suspend ? 'Suspended' : 'Resumed';
    recorder.event(job, 'Normal', reason, says.message);
    // A Job that goes on has its whole time again.
    if (!job.spec.suspend) status.startTime = rfc3339(now);
  }

  /** Counts pods and, when all are, says that the Job is over. */
  async function account(
    state: JobState,
    status: JobStatus,
    outcome: Outcome | undefined,
    now: number,
  ): Promise<void> {
    const taken = takeIn(state, status, outcome, now);
    let job = await writeStatus(client, jobs, state.job, taken.status);
    const results = await Promise.allSettled(taken.toUntrack.map((pod) => untrack(client, pod)));
    const left = new Map(state.pods.map((pod) => [pod.metadata.uid, pod]));
    for (const [index, { status: settled }] of results.entries()) {
      const uid = taken.toUntrack[index]?.metadata.uid;
      if (settled === 'fulfilled' && uid) left.delete(uid);
    }
    const next = countUntracked(job.status ?? {}, [...left.values()]);
    const mayEnd =
      !taken.isPartial && (next.terminating ?? 0) === 0 && !hasUncounted({ ...job, status: next });
    if (outcome && mayEnd) end(next, outcome, now);
    job = await writeStatus(client, jobs, job, next);
    if (outcome && mayEnd) tellEnd(job, outcome);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw asError(failure.reason);
  }

  function tellEnd(job: Persisted<Job>, { succeeded, reason, message }: Outcome): void {
    if (!succeeded) return recorder.event(job, 'Warning', reason, message);
    const { completions } = job.spec;
    if (completions !== undefined && (job.status?.succeeded ?? 0) > completions) {
      const tooMany = 'Too many succeeded pods running after completion count reached';
      recorder.event(job, 'Warning', 'TooManySucceededPods', tooMany);
    }
    recorder.event(job, 'Normal', 'Completed', 'Job completed');
  }

  return {
    name: 'job',
    watches: [
      watchOf(jobs, ownKey),
      watchOf(pods, (change) => [
        ...controllersConcerned(change, jobs, wouldTake),
        ...(change.after && isTracked(change.after) && !controllerOf(change.after)
          ? [`${orphanPrefix}${keyOf(change.after)}`]
          : []),
      ]),
    ],
    reconcile,
  };
}

function unchanged({ active, ready, terminating }: JobState): Acted {
  return { active: active.length, ready, terminating, waitMs: undefined, error: undefined };
}

function end(status: JobStatus, { succeeded, reason, message }: Outcome, now: number): void {
  const type = succeeded ? 'Complete' : 'Failed';
  status.conditions = [
    ...withCondition(status.conditions ?? [], { type, status: 'True', reason, message }, now),
  ];
  if (succeeded) status.completionTime = rfc3339(now);
}

/** A count of nothing is not written. */
function set(status: JobStatus, field: 'active', value: number): void {
  if (value > 0) status[field] = value;
  else delete status[field];
}

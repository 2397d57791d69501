import type { CronJob, CronJobStatus, Job, ObjectReference } from '../../../lib/api/gen/types.ts';
import { isTimeZone } from '../../../lib/api/kinds/batch/schedule.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { cronJobs, jobs } from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { asError } from '../common/as-error.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { byController, controllerIndex, controllerOf, controllersConcerned } from '../common/owners.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { conditionOf, isFinished } from '../job/conditions.ts';
import { jobFor, jobNameAt, madeForMs } from './new-job.ts';
import { missedTimes, parseSchedule, type Schedule } from './schedule.ts';

/** Makes Jobs at the times of a schedule (CronJob, "Schedule syntax" and "Job creation"). */
export const cronJobController: ControllerEntry = {
  name: 'cronjob',
  component: 'cronjob-controller',
  create,
};

/** A little after the time, so that it has come by every clock. */
const afterDueMs = 100;

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const allCronJobs = context.lister(cronJobs);
  const allJobs = context.lister(jobs, { indexers: controllerIndex });

  async function reconcile(key: string): Promise<Result> {
    const cronJob = allCronJobs.get(key);
    if (!cronJob) return done;
    const own = allJobs.byIndex(byController, cronJob.metadata.uid);
    const status = reviewActive(cronJob, own);
    const left = await removeOld(cronJob, own);
    let next: Result = done;
    try {
      if (!cronJob.metadata.deletionTimestamp) next = await schedule(cronJob, own, status);
    } finally {
      await writeStatus(client, cronJobs, cronJob, status);
    }
    if (left !== undefined) throw left;
    return next;
  }

  /** The status after the Jobs that have ended or gone since it was written. */
  function reviewActive(cronJob: Persisted<CronJob>, own: readonly Persisted<Job>[]): CronJobStatus {
    const status: CronJobStatus = { ...cronJob.status };
    const active = new Map((status.active ?? []).map((reference) => [reference.uid ?? '', reference]));
    for (const job of own) {
      const { uid, name } = job.metadata;
      const known = active.has(uid);
      const madeFor = madeForMs(cronJob, job);
      if (!known && !isFinished(job)) {
        const message = `Saw a job that the controller did not create or forgot: ${name}`;
        recorder.event(cronJob, 'Warning', 'UnexpectedJob', message);
        if (madeFor === undefined) continue;
        // Whoever made it died before the status said so. Upstream takes it in only where it would make it again.
        active.set(uid, referenceTo(job));
        const at = rfc3339(madeFor);
        if (at > (status.lastScheduleTime ?? '')) status.lastScheduleTime = at;
      } else if (known && isFinished(job)) {
        active.delete(uid);
        const ended = conditionOf(job, 'Complete') ? 'Complete' : 'Failed';
        recorder.event(
          cronJob,
          'Normal',
          'SawCompletedJob',
          `Saw completed job: ${name}, condition: ${ended}`,
        );
      }
      const completedAt = conditionOf(job, 'Complete') && job.status?.completionTime;
      if (completedAt && completedAt > (status.lastSuccessfulTime ?? ''))
        status.lastSuccessfulTime = completedAt;
    }
    for (const [uid, { name }] of active) {
      if (own.some(({ metadata }) => metadata.uid === uid)) continue;
      active.delete(uid);
      recorder.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
    }
    setActive(status, [...active.values()]);
    return status;
  }

  /** What went wrong, or undefined. */
  async function removeOld(
    cronJob: Persisted<CronJob>,
    own: readonly Persisted<Job>[],
  ): Promise<Error | undefined> {
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
    const byStart = [...own].sort(
      (a, b) => startOf(a) - startOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
    const old = [
      ...surplus(
        byStart.filter((job) => conditionOf(job, 'Complete')),
        successfulJobsHistoryLimit,
      ),
      ...surplus(
        byStart.filter((job) => conditionOf(job, 'Failed')),
        failedJobsHistoryLimit,
      ),
    ];
    for (const job of old) {
      try {
        await removeJob(cronJob, job);
      } catch (error) {
        return asError(error);
      }
    }
    return undefined;
  }

  async function removeJob(cronJob: Persisted<CronJob>, { metadata }: Persisted<Job>): Promise<void> {
    const { namespace, name, uid } = metadata;
    try {
      const options = { propagationPolicy: 'Background' as const, preconditions: { uid } };
      await client.delete(jobs, { namespace, name }, options);
      recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (isKind(error, 'NotFound', 'Conflict')) return;
      recorder.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
      throw error;
    }
  }

  async function schedule(
    cronJob: Persisted<CronJob>,
    own: readonly Persisted<Job>[],
    status: CronJobStatus,
  ): Promise<Result> {
    const { spec } = cronJob;
    const { timeZone } = spec;
    // The API server lets none in that it does not know; what is stored may be of another database of zones.
    if (timeZone !== undefined && !isTimeZone(timeZone)) {
      const message = `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`;
      recorder.event(cronJob, 'Warning', 'UnknownTimeZone', message);
      return done;
    }
    if (spec.suspend) return done;
    const times = read(cronJob);
    if (!times) return done;
    const now = clock.now();
    const dueMs = due(cronJob, times, now);
    if (dueMs !== undefined) await startAt(cronJob, own, status, dueMs);
    const next = times.next(now);
    return next === undefined ? done : requeueAfter(next - now + afterDueMs);
  }

  function read(cronJob: Persisted<CronJob>): Schedule | undefined {
    const { schedule: text, timeZone } = cronJob.spec;
    if (text.includes('TZ')) {
      const message = `CRON_TZ or TZ used in schedule "${text}" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`;
      recorder.event(cronJob, 'Warning', 'UnsupportedSchedule', message);
    }
    try {
      return parseSchedule(text, timeZone);
    } catch (error) {
      const message = `unparseable schedule: "${text}" : ${messageOf(error)}`;
      recorder.event(cronJob, 'Warning', 'UnparseableSchedule', message);
      return undefined;
    }
  }

  /** The newest time that has come and for which no Job has been made. */
  function due(cronJob: Persisted<CronJob>, times: Schedule, now: number): number | undefined {
    const { spec, status, metadata } = cronJob;
    let earliest = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
    // What is too late anyway need not be looked for.
    if (spec.startingDeadlineSeconds !== undefined) {
      earliest = Math.max(earliest, now - spec.startingDeadlineSeconds * 1000);
    }
    if (times.next(earliest) === undefined) {
      // The words are those of how upstream finds out: a time that never comes is as far away as the next one.
      const message = `invalid schedule: ${spec.schedule} : time difference between two schedules is less than 1 second`;
      recorder.event(cronJob, 'Warning', 'InvalidSchedule', message);
      return undefined;
    }
    const { latestMs, count } = missedTimes(times, earliest, now);
    if (count === 'many') {
      const message =
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      recorder.event(cronJob, 'Warning', 'TooManyMissedTimes', message);
    }
    return latestMs;
  }

  async function startAt(
    cronJob: Persisted<CronJob>,
    own: readonly Persisted<Job>[],
    status: CronJobStatus,
    dueMs: number,
  ): Promise<void> {
    const { spec } = cronJob;
    const deadline = spec.startingDeadlineSeconds;
    if (deadline !== undefined && dueMs + deadline * 1000 < clock.now()) {
      const message = `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString().replace('GMT', '+0000')}`;
      recorder.event(cronJob, 'Warning', 'MissSchedule', message);
      return;
    }
    const name = jobNameAt(cronJob, dueMs);
    if (status.active?.some((reference) => reference.name === name)) return;
    const active = own.filter(({ metadata }) => status.active?.some(({ uid }) => uid === metadata.uid));
    if (spec.concurrencyPolicy === 'Forbid' && (status.active?.length ?? 0) > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      recorder.event(cronJob, 'Normal', 'JobAlreadyActive', message);
      return;
    }
    if (spec.concurrencyPolicy === 'Replace') {
      for (const job of active) await removeJob(cronJob, job);
      setActive(status, []);
    }
    const job = await startJob(cronJob, dueMs);
    if (!job) return;
    setActive(status, [...(status.active ?? []), referenceTo(job)]);
    status.lastScheduleTime = rfc3339(dueMs);
  }

  /**
   * Undefined where there need not be one: a Job of that name that is somebody else's is left to him. One that is ours
   * was made before, by whoever died since.
   */
  async function startJob(cronJob: Persisted<CronJob>, dueMs: number): Promise<Persisted<Job> | undefined> {
    const job = jobFor(cronJob, dueMs);
    try {
      const created = await client.create(jobs, job);
      recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isKind(error, 'AlreadyExists')) {
        const { namespace, name = '' } = job.metadata;
        const existing = await client.get(jobs, { namespace, name });
        return controllerOf(existing)?.uid === cronJob.metadata.uid ? existing : undefined;
      }
      recorder.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
      throw error;
    }
  }

  return {
    name: 'cronjob',
    watches: [
      watchOf(cronJobs, ownKey),
      watchOf(jobs, (change) => controllersConcerned(change, cronJobs, () => [])),
    ],
    reconcile,
  };
}

function startOf({ status, metadata }: Persisted<Job>): number {
  return Date.parse(status?.startTime ?? metadata.creationTimestamp);
}

/** The oldest, beyond those that are kept. */
function surplus(
  jobsByStart: readonly Persisted<Job>[],
  limit: number | undefined,
): readonly Persisted<Job>[] {
  return limit === undefined ? [] : jobsByStart.slice(0, Math.max(0, jobsByStart.length - limit));
}

function referenceTo({ metadata }: Persisted<Job>): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { kind: jobs.kind, namespace, name, uid, apiVersion: 'batch/v1', resourceVersion };
}

function setActive(status: CronJobStatus, active: ObjectReference[]): void {
  if (active.length > 0) status.active = active;
  else delete status.active;
}

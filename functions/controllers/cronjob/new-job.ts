import type { CronJob, Job } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { cronJobs } from '../../../lib/client/resources.ts';
import { controllerReference } from '../common/owners.ts';

const scheduledAtKey = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

/** The Job for one time of the schedule. Its name is the time's, so that no time has two. */
export function jobFor(cronJob: Persisted<CronJob>, scheduledMs: number): Job {
  const { jobTemplate, timeZone } = cronJob.spec;
  const { namespace } = cronJob.metadata;
  return {
    metadata: {
      name: jobNameAt(cronJob, scheduledMs),
      namespace,
      labels: { ...jobTemplate.metadata?.labels },
      annotations: {
        ...jobTemplate.metadata?.annotations,
        [scheduledAtKey]: inZone(scheduledMs, timeZone ?? 'UTC'),
      },
      ownerReferences: [controllerReference(cronJobs, cronJob)],
    },
    spec: structuredClone(jobTemplate.spec),
  };
}

export function jobNameAt({ metadata }: CronJob, scheduledMs: number): string {
  return `${metadata.name}-${Math.floor(scheduledMs / 60_000)}`;
}

/** The time that this Job was made for by `jobFor`; undefined for one that somebody else made. */
export function madeForMs(cronJob: Persisted<CronJob>, { metadata }: Job): number | undefined {
  const ms = Date.parse(metadata.annotations?.[scheduledAtKey] ?? '');
  return !Number.isNaN(ms) && metadata.name === jobNameAt(cronJob, ms) ? ms : undefined;
}

/** RFC 3339 with the zone's offset then: `2026-11-21T08:00:00+01:00`. */
function inZone(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  }).formatToParts(ms);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  const offset = of('timeZoneName').slice('GMT'.length) || 'Z';
  return `${of('year')}-${of('month')}-${of('day')}T${of('hour')}:${of('minute')}:${of('second')}${offset}`;
}

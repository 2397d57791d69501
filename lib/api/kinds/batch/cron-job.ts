import type { CronJob, CronJobSpec } from '../../gen/types.ts';
import { requiredChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { nonnegative, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { applyTemplateDefaults } from '../core/pod/template.ts';
import { hostnameWarning } from '../hostname-warning.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath } from '../workload.ts';
import { applyFailurePolicyDefaults, validateJobSpec, warnOfJobSpec } from './job-spec.ts';
import { isTimeZone, scheduleProblem } from './schedule.ts';

const policies = ['Allow', 'Forbid', 'Replace'];
/** Jobs are named after it with `-` and ten digits, and their names are labels. */
const maxNameLength = 52;

export const cronJobRules = rules<CronJob>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    applyFailurePolicyDefaults(spec.jobTemplate.spec.podFailurePolicy);
    applyTemplateDefaults(spec.jobTemplate.spec.template);
  },

  prepareForCreate(cronJob) {
    cronJob.status = {};
  },

  prepareForUpdate: keepStatus,

  validateCreate({ metadata, spec }) {
    const errors = [
      ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
      ...validateSpec(spec, undefined),
    ];
    if (Buffer.byteLength(metadata.name ?? '') > maxNameLength) {
      const detail = `must be no more than ${maxNameLength} characters`;
      errors.push(invalidValue(Path.of('metadata', 'name'), metadata.name, detail));
    }
    return errors;
  },

  validateUpdate: ({ metadata, spec }, old) => [
    ...validateObjectMetaUpdate(metadata, old.metadata),
    ...validateSpec(spec, old.spec),
  ],

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: ({ metadata }, old) => validateObjectMetaUpdate(metadata, old.metadata),

  warnings(cronJob, old) {
    const { metadata, spec } = cronJob;
    const ofJob = () => warnOfJobSpec(spec.jobTemplate.spec, specPath.child('jobTemplate', 'spec'));
    const warnings = old ? [] : hostnameWarning(metadata.name);
    if (!old || !sameValue(spec, old.spec)) warnings.push(...ofJob());
    if (spec.schedule.includes('TZ')) {
      warnings.push(
        'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
      );
    }
    return warnings;
  },

  generationChanged: (cronJob, old) => !sameValue(cronJob.spec, old.spec),
});

function validateSpec(spec: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const errors = validateSchedule(spec, old);
  errors.push(...nonnegative(spec.startingDeadlineSeconds, specPath.child('startingDeadlineSeconds')));
  if (!old || old.timeZone !== spec.timeZone) errors.push(...validateTimeZone(spec.timeZone));
  errors.push(...requiredChoice(spec.concurrencyPolicy, policies, specPath.child('concurrencyPolicy')));
  const job = spec.jobTemplate.spec;
  const path = specPath.child('jobTemplate', 'spec');
  errors.push(...validateJobSpec(job, path));
  if (job.selector) {
    errors.push(invalidValue(path.child('selector'), job.selector, '`selector` will be auto-generated'));
  }
  if (job.manualSelector) {
    errors.push(notSupported(path.child('manualSelector'), job.manualSelector, ['nil', 'false']));
  }
  for (const field of ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
    errors.push(...nonnegative(spec[field], specPath.child(field)));
  }
  return errors;
}

/** A zone within the schedule is something that older servers let in. */
function validateSchedule({ schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const path = specPath.child('schedule');
  if (!schedule) return [required(path)];
  const problem = scheduleProblem(schedule);
  const errors = problem === undefined ? [] : [invalidValue(path, schedule, problem)];
  if (!schedule.includes('TZ')) return errors;
  if (!old?.schedule.includes('TZ')) {
    const detail = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    errors.push(invalidValue(path, schedule, detail));
  } else if (timeZone !== undefined) {
    const detail = 'cannot use both timeZone field and TZ or CRON_TZ in schedule';
    errors.push(invalidValue(path, schedule, detail));
  }
  return errors;
}

/** Names of the time zone database ("Theory and pragmatics of the tz code and data", Names of timezones). */
function validateTimeZone(zone: string | undefined): FieldError[] {
  const path = specPath.child('timeZone');
  if (zone === undefined) return [];
  if (zone === '') return [invalidValue(path, zone, 'timeZone must be nil or non-empty string')];
  const unknown = `unknown time zone ${zone}`;
  const isName = (part: string) =>
    part !== '.' && part !== '..' && !part.startsWith('-') && /^[A-Za-z._0-9+-]{1,14}$/.test(part);
  if (!zone.split('/').every(isName)) return [invalidValue(path, zone, unknown)];
  if (zone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [invalidValue(path, zone, detail)];
  }
  return isTimeZone(zone) ? [] : [invalidValue(path, zone, unknown)];
}

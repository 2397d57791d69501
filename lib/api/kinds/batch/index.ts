import type { KindRules } from '../rules.ts';
import { cronJobRules } from './cron-job.ts';
import { jobRules } from './job.ts';

/** By version and kind. */
export const batchRules: Readonly<Record<string, KindRules>> = {
  'v1/CronJob': cronJobRules,
  'v1/Job': jobRules,
};

import type { KindRules } from '../rules.ts';
import { priorityClassRules } from './priority-class.ts';

/** By version and kind. */
export const schedulingRules: Readonly<Record<string, KindRules>> = {
  'v1/PriorityClass': priorityClassRules,
};

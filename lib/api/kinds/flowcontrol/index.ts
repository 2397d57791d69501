import type { KindRules } from '../rules.ts';
import { flowSchemaRules } from './flow-schema.ts';
import { priorityLevelConfigurationRules } from './priority-level.ts';

/** By version and kind. */
export const flowcontrolRules: Readonly<Record<string, KindRules>> = {
  'v1/FlowSchema': flowSchemaRules,
  'v1/PriorityLevelConfiguration': priorityLevelConfigurationRules,
};

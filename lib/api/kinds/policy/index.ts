import type { KindRules } from '../rules.ts';
import { podDisruptionBudgetRules } from './pod-disruption-budget.ts';

/** By version and kind. */
export const policyRules: Readonly<Record<string, KindRules>> = {
  'v1/PodDisruptionBudget': podDisruptionBudgetRules,
};

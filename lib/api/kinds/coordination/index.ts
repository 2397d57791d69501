import type { KindRules } from '../rules.ts';
import { leaseRules } from './lease.ts';

/** By version and kind. */
export const coordinationRules: Readonly<Record<string, KindRules>> = {
  'v1/Lease': leaseRules,
};

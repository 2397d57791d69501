import type { KindRules } from '../rules.ts';
import { resourceClaimRules, resourceClaimTemplateRules } from './claim.ts';
import { deviceClassRules } from './device-class.ts';
import { deviceTaintRuleRules } from './device-taint-rule.ts';
import { resourceSliceRules } from './slice.ts';

/** Dynamic resource allocation (KEP-4381), by version and kind. */
export const resourceRules: Readonly<Record<string, KindRules>> = {
  'v1/DeviceClass': deviceClassRules,
  'v1/DeviceTaintRule': deviceTaintRuleRules,
  'v1/ResourceClaim': resourceClaimRules,
  'v1/ResourceClaimTemplate': resourceClaimTemplateRules,
  'v1/ResourceSlice': resourceSliceRules,
};

import type { KindRules } from '../rules.ts';
import { ipAddressRules, serviceCidrRules } from './ip-address.ts';

/** By version and kind. */
export const networkingRules: Readonly<Record<string, KindRules>> = {
  'v1/IPAddress': ipAddressRules,
  'v1/ServiceCIDR': serviceCidrRules,
};

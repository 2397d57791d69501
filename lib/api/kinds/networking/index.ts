import type { KindRules } from '../rules.ts';
import { ingressClassRules } from './ingress-class.ts';
import { ingressRules } from './ingress.ts';
import { ipAddressRules, serviceCidrRules } from './ip-address.ts';
import { networkPolicyRules } from './network-policy.ts';

/** By version and kind. */
export const networkingRules: Readonly<Record<string, KindRules>> = {
  'v1/Ingress': ingressRules,
  'v1/IngressClass': ingressClassRules,
  'v1/IPAddress': ipAddressRules,
  'v1/NetworkPolicy': networkPolicyRules,
  'v1/ServiceCIDR': serviceCidrRules,
};

import type { KindRules } from '../rules.ts';
import { mutatingAdmissionPolicyBindingRules, mutatingAdmissionPolicyRules } from './mutating-policy.ts';
import {
  validatingAdmissionPolicyBindingRules,
  validatingAdmissionPolicyRules,
} from './validating-policy.ts';
import {
  mutatingWebhookConfigurationRules,
  validatingWebhookConfigurationRules,
} from './webhook-configurations.ts';

/** By version and kind. */
export const admissionregistrationRules: Readonly<Record<string, KindRules>> = {
  'v1/MutatingAdmissionPolicy': mutatingAdmissionPolicyRules,
  'v1/MutatingAdmissionPolicyBinding': mutatingAdmissionPolicyBindingRules,
  'v1/MutatingWebhookConfiguration': mutatingWebhookConfigurationRules,
  'v1/ValidatingAdmissionPolicy': validatingAdmissionPolicyRules,
  'v1/ValidatingAdmissionPolicyBinding': validatingAdmissionPolicyBindingRules,
  'v1/ValidatingWebhookConfiguration': validatingWebhookConfigurationRules,
};

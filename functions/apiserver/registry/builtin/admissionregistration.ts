import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'admissionregistration.k8s.io';
const categories = ['api-extensions'];

export function admissionregistrationDefinitions(): ResourceDefinition[] {
  const clusterScoped = (plural: string, kind: string, hasStatus = false) =>
    define({
      group,
      plural,
      kind,
      namespaced: false,
      categories,
      ...(hasStatus && { subresources: [sub('status', kind, editVerbs, group)] }),
    });
  return [
    clusterScoped('mutatingadmissionpolicies', 'MutatingAdmissionPolicy'),
    clusterScoped('mutatingadmissionpolicybindings', 'MutatingAdmissionPolicyBinding'),
    clusterScoped('mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'),
    clusterScoped('validatingadmissionpolicies', 'ValidatingAdmissionPolicy', true),
    clusterScoped('validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding'),
    clusterScoped('validatingwebhookconfigurations', 'ValidatingWebhookConfiguration'),
  ];
}

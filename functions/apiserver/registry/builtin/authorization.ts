import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

const group = 'authorization.k8s.io';
const namespaced = false;
const verbs = ['create'] as const;

export function authorizationDefinitions(): ResourceDefinition[] {
  return [
    define({ group, verbs, plural: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview' }),
    define({
      group,
      verbs,
      namespaced,
      plural: 'selfsubjectaccessreviews',
      kind: 'SelfSubjectAccessReview',
    }),
    define({ group, verbs, namespaced, plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview' }),
    define({ group, verbs, namespaced, plural: 'subjectaccessreviews', kind: 'SubjectAccessReview' }),
  ];
}

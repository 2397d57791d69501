import type { PackageFacts } from './package.ts';

export const authorizationV1: PackageFacts = {
  name: 'io.k8s.api.authorization.v1',
  group: 'authorization.k8s.io',
  version: 'v1',
  types: `
    FieldSelectorAttributes LabelSelectorAttributes LocalSubjectAccessReview NonResourceAttributes
    NonResourceRule ResourceAttributes ResourceRule SelfSubjectAccessReview SelfSubjectAccessReviewSpec
    SelfSubjectRulesReview SelfSubjectRulesReviewSpec SubjectAccessReview SubjectAccessReviewSpec
    SubjectAccessReviewStatus SubjectRulesReviewStatus
  `,
  always: {
    LocalSubjectAccessReview: 'metadata spec status',
    NonResourceRule: 'verbs',
    ResourceRule: 'verbs',
    SelfSubjectAccessReview: 'metadata spec status',
    SelfSubjectRulesReview: 'metadata spec status',
    SubjectAccessReview: 'metadata spec status',
    SubjectAccessReviewStatus: 'allowed',
    SubjectRulesReviewStatus: 'resourceRules nonResourceRules incomplete',
  },
  facts: {},
};

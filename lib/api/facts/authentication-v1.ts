import type { PackageFacts } from './package.ts';

export const authenticationV1: PackageFacts = {
  name: 'io.k8s.api.authentication.v1',
  group: 'authentication.k8s.io',
  version: 'v1',
  types: `
    BoundObjectReference SelfSubjectReview SelfSubjectReviewStatus TokenRequest TokenRequestSpec
    TokenRequestStatus TokenReview TokenReviewSpec TokenReviewStatus UserInfo
  `,
  always: {
    SelfSubjectReview: 'metadata status',
    SelfSubjectReviewStatus: 'userInfo',
    TokenRequest: 'metadata spec status',
    TokenRequestSpec: 'audiences',
    TokenRequestStatus: 'token expirationTimestamp',
    TokenReview: 'metadata spec status',
    TokenReviewStatus: 'user',
  },
  facts: {},
};

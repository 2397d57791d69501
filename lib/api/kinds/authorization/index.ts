import type { KindRules } from '../rules.ts';
import {
  localSubjectAccessReviewRules,
  selfSubjectAccessReviewRules,
  selfSubjectRulesReviewRules,
  subjectAccessReviewRules,
} from './reviews.ts';

/** By version and kind. */
export const authorizationRules: Readonly<Record<string, KindRules>> = {
  'v1/LocalSubjectAccessReview': localSubjectAccessReviewRules,
  'v1/SelfSubjectAccessReview': selfSubjectAccessReviewRules,
  'v1/SelfSubjectRulesReview': selfSubjectRulesReviewRules,
  'v1/SubjectAccessReview': subjectAccessReviewRules,
};

import type { SelfSubjectReview, TokenReview } from '../../gen/types.ts';
import { type KindRules, rules } from '../rules.ts';

/** By version and kind. Answered by who asks, and never stored: what a TokenReview lacks is a bad request, not an invalid object. */
export const authenticationRules: Readonly<Record<string, KindRules>> = {
  'v1/SelfSubjectReview': rules<SelfSubjectReview>({
    namespaced: false,
    applyDefaults() {},
    validateCreate: () => [],
    validateUpdate: () => [],
  }),
  'v1/TokenReview': rules<TokenReview>({
    namespaced: false,
    applyDefaults() {},
    validateCreate: () => [],
    validateUpdate: () => [],
  }),
};

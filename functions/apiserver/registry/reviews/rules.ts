import type { SelfSubjectRulesReview } from '../../../../lib/api/gen/types.ts';
import { badRequest } from '../../../../lib/api/status.ts';
import type { Answer } from './index.ts';

/** SelfSubjectRulesReview: what one may do in a namespace, as far as the authorizers can list it (`kubectl auth can-i --list`). */
export const answerRules: Answer<SelfSubjectRulesReview> = async (review, { authorizer }, { user }) => {
  const { namespace } = review.spec;
  if (!namespace) throw badRequest('no namespace on request');
  const { resourceRules, nonResourceRules, incomplete, errors } = await authorizer.rulesFor(user, namespace);
  review.status = {
    resourceRules,
    nonResourceRules,
    incomplete,
    ...(errors.length > 0 && {
      evaluationError: errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`,
    }),
  };
};

/** SubjectAccessReview, its local form, and the one about oneself: what the authorizer would say to a request. */
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectAccessReviewSpec,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '../../../../lib/api/gen/types.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { AuthorizationAttributes } from '../../authorization/port.ts';
import { fieldRequirements, knownRequirements, labelRequirements } from '../../authorization/selectors.ts';
import type { Backend } from '../backend.ts';
import type { Answer } from './index.ts';

export const answerSubject: Answer<SubjectAccessReview> = async (review, backend) => {
  review.status = await decide(backend, userOf(review.spec), review.spec);
};

export const answerLocalSubject: Answer<LocalSubjectAccessReview> = async (review, backend) => {
  review.status = await decide(backend, userOf(review.spec), review.spec);
};

export const answerSelf: Answer<SelfSubjectAccessReview> = async (review, backend, context) => {
  review.status = await decide(backend, context.user, review.spec);
};

function userOf({ user = '', uid, groups = [], extra }: SubjectAccessReviewSpec): UserInfo {
  return { username: user, ...(uid && { uid }), groups: [...groups], ...(extra && { extra }) };
}

async function decide(
  { authorizer }: Backend,
  user: UserInfo,
  spec: SelfSubjectAccessReviewSpec,
): Promise<SubjectAccessReviewStatus> {
  const { decision, reason, error } = await authorizer.authorize(attributesOf(user, spec));
  return {
    allowed: decision === 'allow',
    ...(decision === 'deny' && { denied: true }),
    ...(reason && { reason }),
    ...(error && { evaluationError: error }),
  };
}

function attributesOf(
  user: UserInfo,
  { resourceAttributes: asked, nonResourceAttributes }: SelfSubjectAccessReviewSpec,
): AuthorizationAttributes {
  const nothing = {
    path: '',
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
  };
  if (!asked) {
    const { path = '', verb = '' } = nonResourceAttributes ?? {};
    return { ...nothing, user, isResourceRequest: false, path, verb };
  }
  const { fieldSelector: fields, labelSelector: labels } = asked;
  return {
    ...nothing,
    user,
    isResourceRequest: true,
    verb: asked.verb ?? '',
    apiGroup: asked.group ?? '',
    // As kube-apiserver: a question that names no version is about all of them.
    apiVersion: asked.version || '*',
    namespace: asked.namespace ?? '',
    resource: asked.resource ?? '',
    subresource: asked.subresource ?? '',
    name: asked.name ?? '',
    ...(fields && {
      fieldSelector: fields.rawSelector
        ? fieldRequirements(fields.rawSelector)
        : knownRequirements(fields.requirements, ['In', 'NotIn']),
    }),
    ...(labels && {
      labelSelector: labels.rawSelector
        ? labelRequirements(labels.rawSelector)
        : knownRequirements(labels.requirements, ['In', 'NotIn', 'Exists', 'DoesNotExist']),
    }),
  };
}

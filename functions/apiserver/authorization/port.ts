/** The questions of authorization and their answers, as the pipeline, the reviews and the authorizers share them. */
import type { NonResourceRule, ResourceRule } from '../../../lib/api/gen/types.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import type { RequestInfo } from '../pipeline/request-info.ts';

/** What a decision is made on; the fields are those of RequestInfo. */
export interface AuthorizationAttributes extends Omit<RequestInfo, 'rest'> {
  user: UserInfo;
  /** Of a list, a watch or a deletecollection: what it is narrowed to (KEP-4601). What could not be read is left out. */
  fieldSelector?: readonly SelectorRequirement[];
  labelSelector?: readonly SelectorRequirement[];
}

/** `metav1.LabelSelectorRequirement`, and the same of fields: `In`, `NotIn`, `Exists`, `DoesNotExist`. */
export interface SelectorRequirement {
  key: string;
  operator: string;
  values?: string[];
}

export interface AuthorizationDecision {
  decision: 'allow' | 'deny' | 'noOpinion';
  reason?: string;
  /** What went wrong while deciding. The decision stands: it is never `allow` for want of an answer. */
  error?: string;
}

/** Decides whether a user may do something. What nobody allows is denied. */
export interface Authorizer {
  /** At once where nobody has to be asked first, which spares most requests some waits. */
  authorize(attributes: AuthorizationAttributes): AuthorizationDecision | Promise<AuthorizationDecision>;
  /** What a user may do in a namespace, as far as it can be listed. */
  rulesFor(user: UserInfo, namespace: string): Promise<UserRules>;
}

/** `authorization.k8s.io/v1 SubjectRulesReviewStatus` in the making. */
export interface UserRules {
  resourceRules: ResourceRule[];
  nonResourceRules: NonResourceRule[];
  /** Whether there may be more than is listed. */
  incomplete: boolean;
  errors: string[];
}

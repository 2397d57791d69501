/** The RBAC authorizer ("Using RBAC Authorization"): what a role bound to the user, or to a group of his, allows. */
import type { NonResourceRule, PolicyRule, ResourceRule } from '../../../../lib/api/gen/types.ts';
import type { Authorizer, UserRules } from '../port.ts';
import type { CurrentPolicy } from './current-policy.ts';

export function createRbacAuthorizer(current: CurrentPolicy): Authorizer {
  return {
    authorize(attributes) {
      const policy = current.fresh;
      return policy ? policy.decide(attributes) : current.load().then((loaded) => loaded.decide(attributes));
    },
    async rulesFor(user, namespace) {
      const { rules, errors } = (await current.load()).rulesFor(user, namespace);
      return { ...userRules(rules), incomplete: errors.length > 0, errors };
    },
  };
}

/** Rules as SelfSubjectRulesReview lists them. */
export function userRules(
  rules: readonly PolicyRule[],
): Pick<UserRules, 'resourceRules' | 'nonResourceRules'> {
  const resourceRules: ResourceRule[] = [];
  const nonResourceRules: NonResourceRule[] = [];
  for (const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } of rules) {
    if (resources?.length) {
      resourceRules.push({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames?.length && { resourceNames }),
      });
    }
    if (nonResourceURLs?.length) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  return { resourceRules, nonResourceRules };
}

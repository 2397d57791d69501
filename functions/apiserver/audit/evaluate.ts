import type { UserInfo } from '../../../lib/http/types.ts';
import { coversPath } from '../path-patterns.ts';
import type { RequestInfo } from '../pipeline/request-info.ts';
import type { AuditLevel, AuditPolicy, AuditRule, AuditStage } from './policy.ts';

/** What the policy says of one request. */
export interface AuditDecision {
  level: AuditLevel;
  omitStages: readonly AuditStage[];
  omitManagedFields: boolean;
}

/** The first rule that fits decides; what no rule fits is not recorded. */
export function decideAudit(
  policy: AuditPolicy,
  info: RequestInfo,
  user: UserInfo | undefined,
): AuditDecision {
  const rule = policy.rules.find((one) => matches(one, info, user));
  return {
    level: rule?.level ?? 'None',
    omitStages: [...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])],
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

function matches(rule: AuditRule, info: RequestInfo, user: UserInfo | undefined): boolean {
  const { users, userGroups, verbs, namespaces, resources, nonResourceURLs } = rule;
  if (users?.length && !(user && users.includes(user.username))) return false;
  if (userGroups?.length && !user?.groups.some((group) => userGroups.includes(group))) return false;
  if (verbs?.length && !verbs.includes(info.verb)) return false;
  if (namespaces?.length || resources?.length) return matchesResource(rule, info);
  if (!nonResourceURLs?.length) return true;
  return !info.isResourceRequest && nonResourceURLs.some((spec) => coversPath(spec, info.path));
}

function matchesResource({ namespaces, resources }: AuditRule, info: RequestInfo): boolean {
  if (!info.isResourceRequest) return false;
  if (namespaces?.length && !namespaces.includes(info.namespace)) return false;
  if (!resources?.length) return true;
  const { apiGroup, resource, subresource, name } = info;
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return resources.some(({ group = '', resources: names = [], resourceNames = [] }) => {
    if (group !== apiGroup && group !== '*') return false;
    if (names.length === 0) return true;
    if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
    return names.some(
      (one) =>
        one === whole ||
        one === '*' ||
        (subresource !== '' && one === `*/${subresource}`) ||
        one === `${resource}/*`,
    );
  });
}

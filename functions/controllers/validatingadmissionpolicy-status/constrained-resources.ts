import type { ValidatingAdmissionPolicy } from '../../../lib/api/gen/types.ts';

interface GroupVersionResource {
  group: string;
  version: string;
  resource: string;
}

/**
 * The resources that a policy names one by one, rule by rule, each rule's in order. A rule for all of something is for
 * what nobody knows, and so are subresources.
 */
export function constrainedResources({ spec }: ValidatingAdmissionPolicy): GroupVersionResource[] {
  return (spec.matchConstraints?.resourceRules ?? []).flatMap((rule) => {
    const resources = (rule.resources ?? []).filter((resource) => !/[*/]/.test(resource)).sort();
    return withoutWildcard(rule.apiGroups).flatMap((group) =>
      withoutWildcard(rule.apiVersions).flatMap((version) =>
        resources.map((resource) => ({ group, version, resource })),
      ),
    );
  });
}

function withoutWildcard(values: readonly string[] = []): string[] {
  return values.some((value) => value.includes('*')) ? [] : [...values].sort();
}

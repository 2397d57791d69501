/** What may be used only where a quota speaks of it (API reference, "Limit Priority Class consumption by default"). */
import type { ResourceQuota } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import {
  type Amounts,
  type Evaluator,
  requirementsOf,
  type ScopeRequirement,
  withoutZeros,
} from '../../../../lib/api/quota/index.ts';
import type { GroupResource } from '../../../../lib/api/status.ts';

export interface LimitedResource {
  group: string;
  resource: string;
  /** Whatever of its usage has one of these in its name. */
  matchContains: readonly string[];
  /** Whatever is of one of these scopes, of any resource, as upstream has it. */
  matchScopes: readonly ScopeRequirement[];
}

export interface Use {
  groupResource: GroupResource;
  evaluator: Evaluator;
  object: KubeObject;
  usage: () => Amounts;
}

/**
 * Why the object may not be, for want of a quota; undefined where nothing is wanting.
 * @param covered what the quotas that concern it count
 */
export function uncovered(
  limited: readonly LimitedResource[],
  quotas: readonly ResourceQuota[],
  covered: ReadonlySet<string>,
  { groupResource, evaluator, object, usage }: Use,
): string | undefined {
  const own = limited.filter(
    ({ group, resource }) => group === groupResource.group && resource === groupResource.resource,
  );
  if (own.length > 0) {
    const used = Object.keys(withoutZeros(usage()));
    const wanting = used
      .filter((name) => own.some(({ matchContains }) => matchContains.some((part) => name.includes(part))))
      .filter((name) => !covered.has(name));
    if (wanting.length > 0) return `insufficient quota to consume: ${wanting.sort().join(',')}`;
  }
  const ofObject = (requirement: ScopeRequirement) => evaluator.matchesScope(requirement, object);
  const spokenOf = new Set(
    quotas.flatMap(({ spec }) => requirementsOf(spec).filter(ofObject)).map(({ scopeName }) => scopeName),
  );
  const scopes = limited
    .flatMap(({ matchScopes }) => matchScopes.filter(ofObject))
    .filter(({ scopeName }) => !spokenOf.has(scopeName));
  if (scopes.length === 0) return undefined;
  const shown = scopes.map(
    ({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`,
  );
  return `insufficient quota to match these scopes: [${shown.join(' ')}]`;
}

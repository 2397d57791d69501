import type { ResourceQuotaSpec } from '../gen/types.ts';
import type { KubeObject } from '../object.ts';
import type { Evaluator, ScopeRequirement } from './evaluator.ts';

/** Scopes are requirements that the thing they are about exists. */
export function requirementsOf({ scopes = [], scopeSelector }: ResourceQuotaSpec): ScopeRequirement[] {
  return [
    ...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(scopeSelector?.matchExpressions ?? []),
  ];
}

export function matchesScopes(spec: ResourceQuotaSpec, evaluator: Evaluator, object: KubeObject): boolean {
  return requirementsOf(spec).every((requirement) => evaluator.matchesScope(requirement, object));
}

/** Whether a requirement on names holds for an object that has these, any one of them. */
export function matchesNames({ operator, values = [] }: ScopeRequirement, names: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return names.length > 0;
    case 'DoesNotExist':
      return names.length === 0;
    case 'In':
      return names.some((name) => values.includes(name));
    case 'NotIn':
      return names.length === 0 || names.some((name) => !values.includes(name));
    default:
      return false;
  }
}

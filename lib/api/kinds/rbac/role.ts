import type { AggregationRule, ClusterRole, PolicyRule, Role } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { type NameRule, pathSegment } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

/** Names of roles may hold colons and capitals (`system:node`): whatever can be one segment of a path. */
export const nameIsRbac: NameRule = (name) => pathSegment(name);

const rulesPath = Path.of('rules');

export const roleRules = rules<Role>({
  namespaced: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},
  validateCreate: validateRole,
  validateUpdate: (role, old) => [
    ...validateRole(role),
    ...validateObjectMetaUpdate(role.metadata, old.metadata),
  ],
});

function validateRole(role: Role): FieldError[] {
  return [
    ...validateObjectMeta(role.metadata, { namespaced: true, nameRule: nameIsRbac }),
    ...validateRules(role.rules, true),
  ];
}

export const clusterRoleRules = rules<ClusterRole>({
  namespaced: false,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},
  validateCreate: validateClusterRole,
  validateUpdate: (role, old) => [
    ...validateClusterRole(role),
    ...validateObjectMetaUpdate(role.metadata, old.metadata),
  ],
});

function validateClusterRole(role: ClusterRole): FieldError[] {
  return [
    ...validateObjectMeta(role.metadata, { namespaced: false, nameRule: nameIsRbac }),
    ...validateRules(role.rules, false),
    ...(role.aggregationRule ? validateAggregation(role.aggregationRule) : []),
  ];
}

/** `rules` is written out as null where a role has none. */
function validateRules(policy: readonly PolicyRule[] | null | undefined, namespaced: boolean): FieldError[] {
  return (policy ?? []).flatMap((rule, index) => validateRule(rule, namespaced, rulesPath.index(index)));
}

/** A rule is about resources or about URLs, never about both. */
function validateRule(rule: PolicyRule, namespaced: boolean, path: Path): FieldError[] {
  const { verbs, nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  const errors: FieldError[] = [];
  if (!verbs?.length) errors.push(required(path.child('verbs'), 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const at = path.child('nonResourceURLs');
    if (namespaced) {
      errors.push(invalidValue(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    }
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      const detail = 'rules cannot apply to both regular resources and non-resource URLs';
      errors.push(invalidValue(at, nonResourceURLs, detail));
    }
    return errors;
  }
  if (apiGroups.length === 0) {
    errors.push(required(path.child('apiGroups'), 'resource rules must supply at least one api group'));
  }
  if (resources.length === 0) {
    errors.push(required(path.child('resources'), 'resource rules must supply at least one resource'));
  }
  return errors;
}

function validateAggregation({ clusterRoleSelectors = [] }: AggregationRule): FieldError[] {
  const path = Path.of('aggregationRule', 'clusterRoleSelectors');
  if (clusterRoleSelectors.length === 0) {
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return clusterRoleSelectors.flatMap((selector, index) =>
    validateLabelSelector(selector, path.index(index)),
  );
}

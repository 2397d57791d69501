import type { ClusterRoleBinding, RbacV1Subject, RoleBinding } from '../../gen/types.ts';
import { matches, requiredMatch } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1123Subdomain, pathSegment } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { type KindRules, rules } from '../rules.ts';
import { nameIsRbac } from './role.ts';

type Binding = RoleBinding | ClusterRoleBinding;

const rbacGroup = 'rbac.authorization.k8s.io';
const rolePath = Path.of('roleRef');
const subjectsPath = Path.of('subjects');

export const roleBindingRules: KindRules = bindingRules<RoleBinding>(true, ['Role', 'ClusterRole']);
export const clusterRoleBindingRules: KindRules = bindingRules<ClusterRoleBinding>(false, ['ClusterRole']);

function bindingRules<T extends Binding>(namespaced: boolean, roleKinds: readonly string[]): KindRules {
  const validate = (binding: T) => validateBinding(binding, namespaced, roleKinds);
  return rules<T>({
    namespaced,
    allowCreateOnUpdate: true,
    allowUnconditionalUpdate: true,

    applyDefaults(binding) {
      if (binding.roleRef) binding.roleRef.apiGroup ||= rbacGroup;
      for (const subject of binding.subjects ?? []) {
        if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
      }
    },

    validateCreate: validate,

    /** What a binding grants is fixed, so that who may change its subjects cannot change that. */
    validateUpdate(binding, old) {
      const errors = [...validate(binding), ...validateObjectMetaUpdate(binding.metadata, old.metadata)];
      if (!sameValue(binding.roleRef, old.roleRef)) {
        // Shown under the names that upstream's own struct has.
        const { apiGroup: APIGroup, kind: Kind, name: Name } = binding.roleRef;
        errors.push(invalidValue(rolePath, { APIGroup, Kind, Name }, 'cannot change roleRef'));
      }
      return errors;
    },
  });
}

function validateBinding(binding: Binding, namespaced: boolean, roleKinds: readonly string[]): FieldError[] {
  const errors = validateObjectMeta(binding.metadata, { namespaced, nameRule: nameIsRbac });
  const { apiGroup, kind, name } = binding.roleRef;
  if (apiGroup !== rbacGroup) {
    errors.push(notSupported(rolePath.child('apiGroup'), apiGroup ?? '', [rbacGroup]));
  }
  if (!roleKinds.includes(kind)) errors.push(notSupported(rolePath.child('kind'), kind, roleKinds));
  errors.push(...requiredMatch(pathSegment, name, rolePath.child('name')));
  for (const [index, subject] of (binding.subjects ?? []).entries()) {
    errors.push(...validateSubject(subject, namespaced, subjectsPath.index(index)));
  }
  return errors;
}

function validateSubject(subject: RbacV1Subject, namespaced: boolean, path: Path): FieldError[] {
  const { kind, name, apiGroup = '', namespace } = subject;
  const errors = name ? [] : [required(path.child('name'))];
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...matches(dns1123Subdomain, name, path.child('name')));
      if (apiGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, ['']));
      if (!namespaced && !namespace) errors.push(required(path.child('namespace')));
      return errors;
    case 'User':
    case 'Group':
      if (!name) {
        const detail = `${kind === 'User' ? 'user' : 'group'} name cannot be empty`;
        errors.push(invalidValue(path.child('name'), name ?? '', detail));
      }
      if (apiGroup !== rbacGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, [rbacGroup]));
      return errors;
    default:
      return [...errors, notSupported(path.child('kind'), kind, ['ServiceAccount', 'User', 'Group'])];
  }
}

import type { KindRules } from '../rules.ts';
import { clusterRoleBindingRules, roleBindingRules } from './binding.ts';
import { clusterRoleRules, roleRules } from './role.ts';

/** By version and kind. */
export const rbacRules: Readonly<Record<string, KindRules>> = {
  'v1/ClusterRole': clusterRoleRules,
  'v1/ClusterRoleBinding': clusterRoleBindingRules,
  'v1/Role': roleRules,
  'v1/RoleBinding': roleBindingRules,
};

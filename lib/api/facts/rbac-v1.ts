import type { PackageFacts } from './package.ts';

export const rbacV1: PackageFacts = {
  name: 'io.k8s.api.rbac.v1',
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  types: `
    AggregationRule ClusterRole ClusterRoleBinding ClusterRoleBindingList ClusterRoleList PolicyRule Role
    RoleBinding RoleBindingList RoleList RoleRef Subject
  `,
  facts: {
    RoleRef: {
      '.': { mapType: 'atomic' },
    },
    Subject: {
      '.': { mapType: 'atomic' },
    },
  },
};

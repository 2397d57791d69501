import type { PackageFacts } from './package.ts';

export const rbacV1: PackageFacts = {
  name: 'io.k8s.api.rbac.v1',
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  types: `
    AggregationRule ClusterRole ClusterRoleBinding ClusterRoleBindingList ClusterRoleList PolicyRule Role
    RoleBinding RoleBindingList RoleList RoleRef Subject
  `,
  always: {
    ClusterRole: 'metadata rules',
    ClusterRoleBinding: 'metadata roleRef',
    ClusterRoleBindingList: 'metadata items',
    ClusterRoleList: 'metadata items',
    PolicyRule: 'verbs',
    Role: 'metadata rules',
    RoleBinding: 'metadata roleRef',
    RoleBindingList: 'metadata items',
    RoleList: 'metadata items',
    RoleRef: 'apiGroup kind name',
    Subject: 'kind name',
  },
  facts: {
    RoleRef: {
      '.': { mapType: 'atomic' },
    },
    Subject: {
      '.': { mapType: 'atomic' },
    },
  },
};

import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

const group = 'rbac.authorization.k8s.io';

export function rbacDefinitions(): ResourceDefinition[] {
  return [
    define({ group, plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false }),
    define({ group, plural: 'clusterroles', kind: 'ClusterRole', namespaced: false }),
    define({ group, plural: 'rolebindings', kind: 'RoleBinding' }),
    define({ group, plural: 'roles', kind: 'Role' }),
  ];
}

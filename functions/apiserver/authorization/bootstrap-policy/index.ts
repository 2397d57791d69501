/** What every cluster has of roles and bindings, as kube-apiserver makes it. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  ObjectMeta,
  PolicyRule,
  RbacV1Subject,
  Role,
  RoleBinding,
} from '../../../../lib/api/gen/types.ts';
import { componentRoles } from './components.ts';
import { controllerRoles } from './controllers.ts';
import { bindingNames, namespacedRoles } from './namespaces.ts';
import { hollowNodeRules, joinerRules, nodeAgentRules } from './node.ts';
import { aggregatedToAdmin, aggregatedToEdit, aggregatedToView, clusterAdmin } from './users.ts';

export { nodeRules } from './node.ts';

const group = 'rbac.authorization.k8s.io';
const aggregateLabel = (to: string) => ({ [`${group}/aggregate-to-${to}`]: 'true' });
export const autoUpdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate';
/** Whom bootstrap tokens of `kumulus node token create` make of those who bring them. */
const joiners = 'system:bootstrappers:kumulus:default-node-token';
const controllerPrefix = 'system:controller:';

export interface BootstrapPolicy {
  clusterRoles: ClusterRole[];
  clusterRoleBindings: ClusterRoleBinding[];
  roles: Role[];
  roleBindings: RoleBinding[];
}

export function bootstrapPolicy(): BootstrapPolicy {
  return {
    clusterRoles: clusterRoles(),
    clusterRoleBindings: clusterRoleBindings(),
    roles: namespacedRoles.map(({ namespace, name, rules }) => ({
      metadata: meta(name, { namespace }),
      rules,
    })),
    roleBindings: namespacedRoles.map(({ namespace, name, subjects }) => ({
      metadata: meta(bindingNames[name] ?? name, { namespace }),
      roleRef: { apiGroup: group, kind: 'Role', name },
      subjects,
    })),
  };
}

function clusterRoles(): ClusterRole[] {
  const view = aggregatedToView;
  const edit = [...aggregatedToEdit, ...view];
  const admin = [...edit, ...aggregatedToAdmin];
  return [
    { metadata: meta('cluster-admin'), rules: clusterAdmin },
    // Rules of aggregated roles are the aggregation controller's; these are what it comes to.
    aggregated('admin', 'admin', admin),
    aggregated('edit', 'edit', edit, aggregateLabel('admin')),
    aggregated('view', 'view', view, aggregateLabel('edit')),
    {
      metadata: meta('system:aggregate-to-admin', { labels: aggregateLabel('admin') }),
      rules: aggregatedToAdmin,
    },
    {
      metadata: meta('system:aggregate-to-edit', { labels: aggregateLabel('edit') }),
      rules: aggregatedToEdit,
    },
    {
      metadata: meta('system:aggregate-to-view', { labels: aggregateLabel('view') }),
      rules: aggregatedToView,
    },
    ...Object.entries(componentRoles).map(([name, rules]) => ({ metadata: meta(name), rules })),
    ...Object.entries(controllerRoles).map(([name, rules]) => ({
      metadata: meta(`${controllerPrefix}${name}`),
      rules,
    })),
    { metadata: meta('kumulus:node-agent'), rules: nodeAgentRules },
    { metadata: meta('kumulus:get-nodes'), rules: joinerRules },
    { metadata: meta('kumulus:hollow-nodes'), rules: hollowNodeRules },
  ];
}

function aggregated(
  name: string,
  from: string,
  rules: PolicyRule[],
  labels: Record<string, string> = {},
): ClusterRole {
  return {
    metadata: meta(name, { labels }),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateLabel(from) }] },
    rules,
  };
}

function clusterRoleBindings(): ClusterRoleBinding[] {
  const everyone = [inGroup('system:authenticated'), inGroup('system:unauthenticated')];
  return [
    bound('cluster-admin', inGroup('system:masters')),
    bound('system:monitoring', inGroup('system:monitoring')),
    bound('system:discovery', inGroup('system:authenticated')),
    bound('system:basic-user', inGroup('system:authenticated')),
    bound('system:public-info-viewer', ...everyone),
    bound('system:node-proxier', user('system:kube-proxy')),
    bound('system:kube-controller-manager', user('system:kube-controller-manager')),
    bound('system:kube-dns', account('kube-dns')),
    bound('system:kube-scheduler', user('system:kube-scheduler')),
    bound('system:volume-scheduler', user('system:kube-scheduler')),
    bound('system:service-account-issuer-discovery', inGroup('system:serviceaccounts')),
    bound('system:cluster-trust-bundle-discovery', inGroup('system:serviceaccounts')),
    // Nodes have the Node authorizer.
    bound('system:node'),
    ...Object.keys(controllerRoles).map((name) => bound(`${controllerPrefix}${name}`, account(name))),
    bound('kumulus:node-agent', inGroup('system:nodes')),
    // What `kubeadm init` binds: bootstrappers ask for a node's certificate, and nodes for their next one.
    bound('kumulus:get-nodes', inGroup(joiners)),
    named('kumulus:node-bootstrapper', bound('system:node-bootstrapper', inGroup(joiners))),
    named(
      'kumulus:node-autoapprove-bootstrap',
      bound('system:certificates.k8s.io:certificatesigningrequests:nodeclient', inGroup(joiners)),
    ),
    named(
      'kumulus:node-autoapprove-certificate-rotation',
      bound('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', inGroup('system:nodes')),
    ),
    named(
      'kumulus:kubelet-serving-approver',
      bound('system:certificates.k8s.io:kubelet-serving-approver', account('certificate-controller')),
    ),
    bound('kumulus:hollow-nodes', user('system:kumulus:hollow-nodes')),
    {
      ...bound('system:kubelet-api-admin', user('kube-apiserver-kubelet-client')),
      metadata: meta('kumulus:apiserver-kubelet-client'),
    },
  ];
}

/** Under a name of its own, where upstream binds the role to nobody. */
function named(name: string, binding: ClusterRoleBinding): ClusterRoleBinding {
  return { ...binding, metadata: meta(name) };
}

function bound(role: string, ...subjects: RbacV1Subject[]): ClusterRoleBinding {
  return {
    metadata: meta(role),
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: role },
    ...(subjects.length > 0 && { subjects }),
  };
}

function inGroup(name: string): RbacV1Subject {
  return { kind: 'Group', apiGroup: group, name };
}

function user(name: string): RbacV1Subject {
  return { kind: 'User', apiGroup: group, name };
}

function account(name: string): RbacV1Subject {
  return { kind: 'ServiceAccount', name, namespace: 'kube-system' };
}

function meta(
  name: string,
  { namespace, labels = {} }: { namespace?: string; labels?: Record<string, string> } = {},
): ObjectMeta {
  return {
    name,
    ...(namespace && { namespace }),
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { [autoUpdateAnnotation]: 'true' },
  };
}

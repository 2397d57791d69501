/** Roles and bindings of `kube-system` and `kube-public`. */
import type { PolicyRule, RbacV1Subject } from '../../../../lib/api/gen/types.ts';
import { eventsRule, on, readVerbs } from './rule.ts';

interface NamespacedRole {
  namespace: string;
  name: string;
  rules: PolicyRule[];
  /** Whom it is bound to, by a binding of the same name. */
  subjects: RbacV1Subject[];
}

const account = (name: string): RbacV1Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });
const user = (name: string): RbacV1Subject => ({
  kind: 'User',
  name,
  apiGroup: 'rbac.authorization.k8s.io',
});
const lock = 'create get list update watch';
const locking = [
  on('coordination.k8s.io', 'leases', lock),
  on('coordination.k8s.io', 'leasecandidates', lock),
];

/** Who reads which IAM principals have access, and nothing else. */
export const accessEntriesReader = 'system:kumulus:access-entries';

export const namespacedRoles: readonly NamespacedRole[] = [
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [
      on('core', 'configmaps', readVerbs),
      on('core', 'configmaps', 'update', 'cluster-info'),
      eventsRule,
    ],
    subjects: [account('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [on('core', 'configmaps', readVerbs, 'extension-apiserver-authentication')],
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
  {
    namespace: 'kube-system',
    name: 'kumulus:access-entries',
    rules: [on('core', 'configmaps', 'get', 'iam-access-entries')],
    subjects: [user(accessEntriesReader)],
  },
  {
    namespace: 'kube-system',
    name: 'kumulus:node-config',
    rules: [on('core', 'configmaps', 'get', 'kumulus-node-config')],
    subjects: [{ kind: 'Group', name: 'system:nodes', apiGroup: 'rbac.authorization.k8s.io' }],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:bootstrap-signer',
    rules: [on('core', 'secrets', readVerbs)],
    subjects: [account('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:cloud-provider',
    rules: [on('core', 'configmaps', 'create get list watch')],
    subjects: [account('cloud-provider')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [on('core', 'secrets', 'get list watch delete'), eventsRule],
    subjects: [account('token-cleaner')],
  },
  {
    namespace: 'kube-system',
    name: 'system::leader-locking-kube-controller-manager',
    rules: locking,
    subjects: [user('system:kube-controller-manager'), account('kube-controller-manager')],
  },
  {
    namespace: 'kube-system',
    name: 'system::leader-locking-kube-scheduler',
    rules: locking,
    subjects: [user('system:kube-scheduler'), account('kube-scheduler')],
  },
];

/** What a RoleBinding is called where it is not as its role. */
export const bindingNames: Readonly<Record<string, string>> = {
  'extension-apiserver-authentication-reader': 'system::extension-apiserver-authentication-reader',
};

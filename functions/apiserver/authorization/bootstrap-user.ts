/**
 * The server as its own client while it makes what every cluster has. Its rights cannot be in roles, which it is the one
 * to make: they are here, and no more than it needs. They belong to this object and not to its name, so that nobody who
 * comes by that name, impersonating or with a certificate, has any of them.
 */
import type { UserInfo } from '../../../lib/http/types.ts';
import { on } from './bootstrap-policy/rule.ts';
import type { Authorizer } from './port.ts';
import { userRules } from './rbac/index.ts';
import { CompiledRules } from './rbac/rule.ts';

export const bootstrapUser: UserInfo = Object.freeze({
  username: 'system:apiserver',
  groups: ['system:authenticated'],
});

const rules = [
  on('core', 'namespaces services', 'get create'),
  on('core', 'configmaps endpoints', 'get create update'),
  on('discovery.k8s.io', 'endpointslices', 'get create update'),
  on('scheduling.k8s.io', 'priorityclasses', 'get create'),
  on('storage.k8s.io', 'storageclasses', 'create'),
  on('networking.k8s.io', 'servicecidrs', 'get create'),
  on('networking.k8s.io', 'servicecidrs/status', 'update'),
  on(
    'flowcontrol.apiserver.k8s.io',
    'flowschemas prioritylevelconfigurations',
    'get list create update delete',
  ),
  on('flowcontrol.apiserver.k8s.io', 'flowschemas/status', 'patch'),
  on(
    'rbac.authorization.k8s.io',
    'clusterroles clusterrolebindings roles rolebindings',
    'get list create update delete',
  ),
  on('rbac.authorization.k8s.io', 'clusterroles roles', 'bind escalate'),
];
const compiled = new CompiledRules(rules);

export const bootstrapAuthorizer: Authorizer = {
  authorize: (attributes) => ({
    decision: attributes.user === bootstrapUser && compiled.allow(attributes) ? 'allow' : 'noOpinion',
  }),
  rulesFor: (user) =>
    Promise.resolve({
      ...userRules(user === bootstrapUser ? rules : []),
      incomplete: false,
      errors: [],
    }),
};

/**
 * Nobody gives away what he does not hold ("Using RBAC Authorization", privilege escalation prevention): whoever writes a
 * role must hold its rules or be allowed `escalate`; whoever writes a binding must hold the rules of its role or be allowed
 * `bind`. An aggregated role can gather anything, so that setting its rule takes everything.
 */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from '../../../../lib/api/gen/types.ts';
import type { JsonValue, KubeObject } from '../../../../lib/api/object.ts';
import { equalJson } from '../../../../lib/api/patch/index.ts';
import { forbidden, notFound } from '../../../../lib/api/status.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import type { Authorizer } from '../port.ts';
import { describeRights, missingRights, quoteAll } from './covers.ts';
import type { CurrentPolicy } from './current-policy.ts';

const group = 'rbac.authorization.k8s.io';
const fullAuthority: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Runs last of those that change objects: what it looks at is what is stored. */
export function rbacEscalation(current: CurrentPolicy, authorizer: Authorizer): AdmissionPlugin {
  const refuseMissing = async (attributes: AdmissionAttributes, rules: readonly PolicyRule[]) => {
    const { user, namespace } = attributes;
    const held = (await current.load()).rulesFor(user, namespace);
    const missing = missingRights(held.rules, rules);
    if (missing.length === 0) return;
    const unresolved = held.errors.length > 0 ? `; resolution errors: [${held.errors.join(' ')}]` : '';
    throw refusal(attributes, `${whoLacks(user)}\n${describeRights(missing)}${unresolved}`);
  };

  const checkRole = async (attributes: AdmissionAttributes) => {
    const { entry, user, operation } = attributes;
    const role = attributes.object as unknown as Role & ClusterRole;
    const may = await allowed(authorizer, user, {
      verb: 'escalate',
      apiVersion: entry.definition.version,
      namespace: attributes.namespace,
      resource: entry.definition.plural,
      name: operation === 'CREATE' ? '' : attributes.name,
    });
    if (may) return;
    const before = attributes.oldObject as unknown as ClusterRole | undefined;
    if (role.aggregationRule?.clusterRoleSelectors || before?.aggregationRule?.clusterRoleSelectors) {
      const held = (await current.load()).rulesFor(user, attributes.namespace);
      if (missingRights(held.rules, fullAuthority).length > 0) {
        throw refusal(attributes, 'must have cluster-admin privileges to use the aggregationRule');
      }
    }
    await refuseMissing(attributes, role.rules ?? []);
  };

  const checkBinding = async (attributes: AdmissionAttributes) => {
    const { roleRef } = attributes.object as unknown as RoleBinding | ClusterRoleBinding;
    if (roleRef?.apiGroup !== group || (roleRef.kind !== 'Role' && roleRef.kind !== 'ClusterRole')) {
      // Validation refuses it, in its own words.
      return;
    }
    const resource = roleRef.kind === 'Role' ? 'roles' : 'clusterroles';
    const { namespace } = attributes;
    const may = await allowed(authorizer, attributes.user, {
      verb: 'bind',
      apiVersion: '*',
      namespace,
      resource,
      name: roleRef.name,
    });
    if (may) return;
    const rules = (await current.load()).rulesOf({ kind: roleRef.kind, name: roleRef.name, namespace });
    if (!rules) throw notFound({ group, resource }, roleRef.name);
    await refuseMissing(attributes, rules);
  };

  return {
    name: 'RBACEscalation',
    async mutate(attributes) {
      const { entry, subresource, operation, object, oldObject, user } = attributes;
      if (entry.definition.group !== group || subresource !== '' || !object) return;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      if (user.groups.includes('system:masters')) return;
      if (oldObject && onlyForCollection(object as unknown as KubeObject, oldObject)) return;
      await (entry.definition.plural.endsWith('bindings') ? checkBinding : checkRole)(attributes);
    },
  };
}

async function allowed(
  authorizer: Authorizer,
  user: UserInfo,
  asked: { verb: string; apiVersion: string; namespace: string; resource: string; name: string },
): Promise<boolean> {
  const { decision } = await authorizer.authorize({
    ...asked,
    user,
    isResourceRequest: true,
    apiGroup: group,
    subresource: '',
    path: '',
  });
  return decision === 'allow';
}

/** Whether an update changes nothing but who owns the object and what holds it, as garbage collection must. */
function onlyForCollection(object: KubeObject, old: KubeObject): boolean {
  return equalJson(withoutOwnership(object), withoutOwnership(old));
}

function withoutOwnership(object: KubeObject): JsonValue {
  const { ownerReferences: _, finalizers: __, managedFields: ___, ...metadata } = object.metadata;
  return JSON.parse(JSON.stringify({ ...object, metadata })) as JsonValue;
}

function whoLacks({ username, groups }: UserInfo): string {
  return `user ${quote(username)} (groups=${quoteAll(groups)}) is attempting to grant RBAC permissions not currently held:`;
}

function refusal({ entry, object, name }: AdmissionAttributes, reason: string): Error {
  return forbidden(entry.groupResource, object?.metadata.name ?? name, reason);
}

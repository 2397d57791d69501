/** The index of roles and bindings against a literal reading of them. */
import { describe, expect, test } from 'vitest';
import type { AuthorizationAttributes } from '../../../../functions/apiserver/authorization/port.ts';
import { describeRights, missingRights } from '../../../../functions/apiserver/authorization/rbac/covers.ts';
import { Policy } from '../../../../functions/apiserver/authorization/rbac/policy.ts';
import type { PolicyRule, RbacV1Subject } from '../../../../lib/api/gen/types.ts';
import fc from '../../../support/property.ts';

const some = (...values: string[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });
const rule: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: some('get', 'list', 'create', '*'),
    apiGroups: some('', 'apps', '*'),
    resources: some('pods', 'pods/log', 'deployments', '*/scale', '*'),
    resourceNames: fc.option(some('a', 'b'), { nil: undefined }),
  }),
  fc.record({ verbs: some('get', '*'), nonResourceURLs: some('/healthz', '/healthz/*', '/apis/*', '*') }),
);
const subject: fc.Arbitrary<RbacV1Subject> = fc.oneof(
  fc.record({ kind: fc.constant('User'), name: fc.constantFrom('ann', 'bob') }),
  fc.record({ kind: fc.constant('Group'), name: fc.constantFrom('dev', 'ops') }),
  fc.record({
    kind: fc.constant('ServiceAccount'),
    name: fc.constantFrom('ann', 'robot'),
    namespace: fc.constantFrom('x', 'y'),
  }),
);
const namespace = fc.constantFrom('x', 'y');
const name = fc.constantFrom('one', 'two');
type Change =
  | { at: 'clusterrole' | 'role'; namespace: string; name: string; rules: PolicyRule[] | undefined }
  | {
      at: 'clusterrolebinding' | 'rolebinding';
      namespace: string;
      name: string;
      role: { kind: string; name: string };
      subjects: RbacV1Subject[] | undefined;
    };
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    at: fc.constantFrom('clusterrole' as const, 'role' as const),
    namespace,
    name,
    rules: fc.option(fc.array(rule, { maxLength: 3 }), { nil: undefined }),
  }),
  fc.record({
    at: fc.constantFrom('clusterrolebinding' as const, 'rolebinding' as const),
    namespace,
    name,
    role: fc.record({ kind: fc.constantFrom('ClusterRole', 'Role'), name }),
    subjects: fc.option(fc.array(subject, { maxLength: 3 }), { nil: undefined }),
  }),
);
const request: fc.Arbitrary<AuthorizationAttributes> = fc.record({
  user: fc.record({
    username: fc.constantFrom('ann', 'bob', 'system:serviceaccount:x:robot', 'system:serviceaccount:y:ann'),
    groups: fc.uniqueArray(fc.constantFrom('dev', 'ops')),
  }),
  isResourceRequest: fc.boolean(),
  path: fc.constantFrom('/healthz', '/healthz/etcd', '/apis', '/apis/apps', '/'),
  verb: fc.constantFrom('get', 'list', 'create', 'delete'),
  apiGroup: fc.constantFrom('', 'apps', 'batch'),
  apiVersion: fc.constant('v1'),
  namespace: fc.constantFrom('', 'x', 'y'),
  resource: fc.constantFrom('pods', 'deployments', 'secrets'),
  subresource: fc.constantFrom('', 'log', 'scale'),
  name: fc.constantFrom('', 'a', 'c'),
});

/** What the last change to each object left. */
class Literal {
  readonly objects = new Map<string, Change>();

  apply(one: Change): void {
    const where = one.at.startsWith('cluster') ? '' : `${one.namespace}/`;
    this.objects.set(`${one.at} ${where}${one.name}`, one);
  }

  allows(request: AuthorizationAttributes): boolean {
    for (const one of this.objects.values()) {
      if (one.at !== 'clusterrolebinding' && one.at !== 'rolebinding') continue;
      const here = one.at === 'rolebinding';
      if (here && (request.namespace === '' || request.namespace !== one.namespace)) continue;
      const isIt = (one.subjects ?? []).some(({ kind, name, namespace }) => {
        if (kind === 'User') return request.user.username === name;
        if (kind === 'Group') return request.user.groups.includes(name);
        return request.user.username === `system:serviceaccount:${namespace}:${name}`;
      });
      if (!isIt) continue;
      const isCluster = one.role.kind === 'ClusterRole';
      if (!isCluster && !here) continue;
      const id = isCluster ? `clusterrole ${one.role.name}` : `role ${one.namespace}/${one.role.name}`;
      const role = this.objects.get(id);
      const rules = role && 'rules' in role ? (role.rules ?? []) : [];
      if (rules.some((rule) => ruleAllows(rule, request))) return true;
    }
    return false;
  }
}

function ruleAllows(rule: PolicyRule, request: AuthorizationAttributes): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    (list ?? []).some((one) => one === '*' || one === value);
  if (!has(rule.verbs, request.verb)) return false;
  if (!request.isResourceRequest) {
    return (rule.nonResourceURLs ?? []).some((url) =>
      url.endsWith('*') ? request.path.startsWith(url.slice(0, -1)) : url === request.path,
    );
  }
  const full = request.subresource ? `${request.resource}/${request.subresource}` : request.resource;
  return (
    has(rule.apiGroups, request.apiGroup) &&
    (has(rule.resources, full) ||
      (request.subresource !== '' && (rule.resources ?? []).includes(`*/${request.subresource}`))) &&
    (!rule.resourceNames || rule.resourceNames.includes(request.name))
  );
}

function apply(policy: Policy, one: Change): void {
  const meta = { metadata: { name: one.name } };
  const key = `${one.namespace}/${one.name}`;
  if ('rules' in one) {
    const role = one.rules && { ...meta, rules: one.rules };
    if (one.at === 'clusterrole') policy.setClusterRole(one.name, role);
    else policy.setRole(key, role);
    return;
  }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', ...one.role };
  const binding = one.subjects && { ...meta, roleRef, subjects: one.subjects };
  // A ClusterRoleBinding to a Role is refused by validation.
  if (one.at === 'clusterrolebinding') {
    policy.setClusterRoleBinding(one.name, one.role.kind === 'Role' ? undefined : binding);
  } else policy.setRoleBinding(key, binding);
}

describe('the policy', () => {
  test('decides as its roles and bindings say, whatever order they came and went in', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 25 }),
        fc.array(request, { minLength: 5, maxLength: 20 }),
        (changes, requests) => {
          const policy = new Policy();
          const literal = new Literal();
          for (const one of changes) {
            apply(policy, one);
            literal.apply(one);
          }
          for (const one of requests) {
            expect(policy.decide(one).decision === 'allow').toBe(literal.allows(one));
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  test('says who allowed, and which role was not found', () => {
    const policy = new Policy();
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' };
    const robot = { kind: 'ServiceAccount', name: 'robot', namespace: '' };
    policy.setRoleBinding('x/readers', { metadata: {}, roleRef, subjects: [robot] });
    const asked: AuthorizationAttributes = {
      user: { username: 'system:serviceaccount:x:robot', groups: [] },
      isResourceRequest: true,
      path: '',
      verb: 'get',
      apiGroup: '',
      apiVersion: 'v1',
      namespace: 'x',
      resource: 'pods',
      subresource: '',
      name: 'a',
    };
    expect(policy.decide(asked)).toEqual({
      decision: 'noOpinion',
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "reader" not found',
    });
    policy.setClusterRole('reader', {
      metadata: {},
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    });
    expect(policy.decide(asked)).toEqual({
      decision: 'allow',
      reason: 'RBAC: allowed by RoleBinding "readers/x" of ClusterRole "reader" to ServiceAccount "robot/x"',
    });
  });
});

describe('rights', () => {
  test('that one list of rules lacks of another are no more and no fewer than those it does not allow', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), fc.array(rule, { maxLength: 3 }), (held, wanted) => {
        const missing = missingRights(held, wanted);
        expect(missingRights([...held, ...missing], wanted)).toEqual([]);
        expect(missingRights(wanted, missing)).toEqual([]);
        expect(
          missingRights(
            [
              { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
              { verbs: ['*'], nonResourceURLs: ['*'] },
            ],
            wanted,
          ),
        ).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test('are listed with their verbs together', () => {
    const wanted = [
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets', 'pods'] },
      { verbs: ['get'], nonResourceURLs: ['/metrics'] },
      { verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] },
    ];
    expect(describeRights(missingRights([], wanted)).split('\n')).toEqual([
      '{APIGroups:[""], Resources:["configmaps"], ResourceNames:["a"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
      '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
      '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    ]);
  });
});

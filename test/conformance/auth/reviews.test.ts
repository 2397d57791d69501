import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  LocalSubjectAccessReview,
  SubjectAccessReview,
  TokenReview,
} from '../../../lib/api/gen/types.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const authorization = '/apis/authorization.k8s.io/v1';
const authentication = '/apis/authentication.k8s.io/v1';

test('SubjectReview should support SubjectReview API operations', async () => {
  const namespace = await plane.namespace();
  const account: UserInfo = {
    username: `system:serviceaccount:${namespace}:default`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
  const headers = { 'impersonate-user': account.username };
  const attempts = [
    { verb: 'list', group: '', resource: 'pods', path: `/api/v1/namespaces/${namespace}/pods` },
    { verb: 'list', group: '', resource: 'configmaps', path: `/api/v1/namespaces/${namespace}/configmaps` },
  ];
  const agree = async () => {
    const allowed: boolean[] = [];
    for (const { path, ...asked } of attempts) {
      const done = await plane.call('GET', path, { headers });
      const spec = {
        user: account.username,
        groups: account.groups,
        resourceAttributes: { ...asked, namespace },
      };
      const review = await plane.call<SubjectAccessReview>('POST', `${authorization}/subjectaccessreviews`, {
        body: { spec },
      });
      const local = await plane.call<LocalSubjectAccessReview>(
        'POST',
        `${authorization}/namespaces/${namespace}/localsubjectaccessreviews`,
        { body: { spec } },
      );
      const self = await plane.callAs(account)<SubjectAccessReview>(
        'POST',
        `${authorization}/selfsubjectaccessreviews`,
        { body: { spec: { resourceAttributes: { ...asked, namespace } } } },
      );
      expect([review.status, local.status, self.status]).toEqual([201, 201, 201]);
      const verdicts = [review, local, self].map(({ json }) => json.status?.allowed);
      expect(verdicts).toEqual([done.status === 200, done.status === 200, done.status === 200]);
      allowed.push(done.status === 200);
    }
    return allowed;
  };
  expect(await agree()).toEqual([false, false]);
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const role = {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
  };
  expect((await plane.call('POST', `${rbac}/roles`, { body: role })).status).toBe(201);
  const binding = {
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
  };
  expect((await plane.call('POST', `${rbac}/rolebindings`, { body: binding })).status).toBe(201);
  expect(await agree()).toEqual([true, false]);
});

test('ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview', async () => {
  const namespace = await plane.namespace();
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  const token = await plane.call<{ status: { token: string } }>('POST', `${account}/token`, {
    body: { spec: { expirationSeconds: 600 } },
  });
  expect(token.status).toBe(201);
  const review = await plane.call<TokenReview>('POST', `${authentication}/tokenreviews`, {
    body: { spec: { token: token.json.status.token } },
  });
  expect(review.status).toBe(201);
  expect(review.json.status).toMatchObject({
    authenticated: true,
    user: {
      username: `system:serviceaccount:${namespace}:default`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    },
  });
  expect(review.json.status?.error).toBeUndefined();
});

test('Servers with support for Table transformation should return a 406 for a backend which does not implement metadata', async () => {
  const spec = { nonResourceAttributes: { path: '/', verb: 'get' } };
  const answer = await plane.call('POST', `${authorization}/selfsubjectaccessreviews`, {
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec },
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  expect([answer.status, answer.json.reason]).toEqual([406, 'NotAcceptable']);
});

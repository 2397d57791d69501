/** Somebody who edits one namespace, and a node that was taken over, try for more: each try is refused, and on record. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CertifiedKey, createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { type Audited, bearer, startAudited } from './audited.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const csr = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const merge = 'application/merge-patch+json';
const crown = Buffer.from('the-crown-jewels').toString('base64');
let plane: Audited;
let mallory: CertifiedKey;
let node: CertifiedKey;

beforeAll(async () => {
  plane = await startAudited();
  const { server, must } = plane;
  mallory = await server.client('mallory');
  node = await server.client('system:node:one', 'system:nodes');
  const system = '/api/v1/namespaces/kube-system';
  await must(server.post(`${system}/secrets`, { metadata: { name: 'crown' }, data: { k: crown } }));
  for (const at of [system, '/api/v1/namespaces/default'])
    await must(server.post(`${at}/serviceaccounts`, { metadata: { name: 'strong' } }));
  await must(
    server.post(`${rbac}/namespaces/default/rolebindings`, {
      metadata: { name: 'mallory' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
    }),
  );
  await must(
    server.post(`${system}/pods`, {
      metadata: { name: 'keeper' },
      spec: {
        nodeName: 'two',
        serviceAccountName: 'strong',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 's', secret: { secretName: 'crown' } }],
      },
    }),
  );
  for (const name of ['one', 'two']) await must(server.post('/api/v1/nodes', { metadata: { name } }));
});
afterAll(() => plane.server.close());

const subjects = [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }];
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
const everything = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
const metadata = { name: 'mine' };
const system = '/api/v1/namespaces/kube-system';
const own = '/api/v1/namespaces/default';
const podAs = (account: string) => ({
  metadata,
  spec: { serviceAccountName: account, containers: [{ name: 'c', image: 'i' }] },
});

test.each<[string, string, string, unknown]>([
  ['a Secret of another namespace', 'GET', `${system}/secrets/crown`, undefined],
  ['all Secrets', 'GET', '/api/v1/secrets', undefined],
  [
    'a binding of hers to the strongest role',
    'POST',
    `${rbac}/clusterrolebindings`,
    { metadata, roleRef, subjects },
  ],
  [
    'the same in her namespace',
    'POST',
    `${rbac}/namespaces/default/rolebindings`,
    { metadata, roleRef, subjects },
  ],
  [
    'a role that may do everything',
    'POST',
    `${rbac}/namespaces/default/roles`,
    { metadata, rules: everything },
  ],
  ['a token of a strong account', 'POST', `${system}/serviceaccounts/strong/token`, { spec: {} }],
  ['a pod with a strong account', 'POST', `${system}/pods`, podAs('strong')],
  [
    'a workload with a strong account',
    'POST',
    '/apis/apps/v1/namespaces/kube-system/deployments',
    {
      metadata,
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: podAs('strong').spec },
      },
    },
  ],
  ['a shell in a strong pod', 'POST', `${system}/pods/keeper/exec?command=sh`, undefined],
  ['what a strong pod says', 'GET', `${system}/pods/keeper/log`, undefined],
  ['the way through a node', 'GET', '/api/v1/nodes/two/proxy/pods', undefined],
  ['a bootstrap token', 'POST', `${system}/secrets`, { metadata: { name: 'bootstrap-token-abcdef' } }],
  [
    'a certificate',
    'POST',
    csr,
    {
      metadata,
      spec: { request: 'eA==', signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
    },
  ],
  ['who somebody else is', 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: 'x' } }],
  [
    'what somebody else may',
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { spec: { user: 'x' } },
  ],
  [
    'a webhook that sees everything',
    'POST',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    { metadata },
  ],
])('an editor of another namespace does not get %s', async (_, method, path, body) => {
  const { text } = await plane.refused(plane.server.call(method, path, { body, as: mallory }), 403);
  expect(text).not.toContain(crown);
});

test.each<[string, Record<string, string>]>([
  ['the administrator', { 'impersonate-user': 'kubernetes-admin' }],
  ['a member of masters', { 'impersonate-user': 'mallory', 'impersonate-group': 'system:masters' }],
  ['one by a second header', { 'Impersonate-User': 'mallory', 'Impersonate-Group': 'dev, system:masters' }],
  ['a strong account', { 'impersonate-user': 'system:serviceaccount:kube-system:strong' }],
  ['a node', { 'impersonate-user': 'system:node:two', 'impersonate-group': 'system:nodes' }],
  ['another uid', { 'impersonate-user': 'mallory', 'impersonate-uid': '1' }],
  ['nobody', { 'impersonate-user': 'system:anonymous' }],
])('she is not taken for %s', async (_, headers) => {
  await plane.refused(plane.server.get(`${system}/secrets/crown`, { as: mallory, headers }), 403);
});

test('what her own account has is not more than its roles give', async () => {
  const { server, must, refused } = plane;
  const path = `${own}/serviceaccounts/strong/token`;
  const { json } = await must(server.post(path, { spec: {} }, { as: mallory }));
  const token = json.status?.token ?? '';
  await refused(server.get(`${system}/secrets/crown`, bearer(token)), 403);
  // A name that another namespace's account has too is another account.
  await refused(server.post(`${system}/serviceaccounts/strong/token`, { spec: {} }, bearer(token)), 403);
});

describe('a node that was taken over does not get', () => {
  test.each<[string, string, string, unknown]>([
    ['a Secret that only pods of another use', 'GET', `${system}/secrets/crown`, undefined],
    ['all Secrets', 'GET', `${system}/secrets`, undefined],
    ['a token of a pod of another', 'POST', `${system}/serviceaccounts/strong/token`, { spec: {} }],
    [
      'a pod with a strong account',
      'POST',
      `${system}/pods`,
      { metadata, spec: { ...podAs('strong').spec, nodeName: 'one' } },
    ],
    [
      'the status of a pod of another',
      'PATCH',
      `${system}/pods/keeper/status`,
      { status: { phase: 'Failed' } },
    ],
    ['rid of a pod of another', 'DELETE', `${system}/pods/keeper`, undefined],
    ['another node', 'PATCH', '/api/v1/nodes/two', { metadata: { labels: { a: 'b' } } }],
    [
      'a label that draws pods',
      'PATCH',
      '/api/v1/nodes/one',
      { metadata: { labels: { 'node-restriction.kubernetes.io/x': 'y' } } },
    ],
    [
      'rid of its taints',
      'PATCH',
      '/api/v1/nodes/one',
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
    ],
    ['a role', 'POST', `${rbac}/clusterrolebindings`, { metadata, roleRef, subjects }],
  ])('%s', async (_, method, path, body) => {
    const headers: Record<string, string> = method === 'PATCH' ? { 'content-type': merge } : {};
    await plane.refused(plane.server.call(method, path, { body, headers, as: node }), 403);
  });
});

describe('a certificate is refused', () => {
  const secrets = (as: CertifiedKey) => plane.server.get(`${system}/secrets/crown`, { as });
  const subject = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };

  test('of another authority, though it has the name of ours', async () => {
    const ca = await createCa({ commonName: 'test-ca', validityDays: 1, now: Date.now() });
    const now = Date.now();
    await plane.refused(
      secrets(await issueCertificate(ca, { subject, usages: ['client'], validityDays: 1, now })),
      401,
    );
  });

  test('that is not for clients', async () => {
    const { server, refused } = plane;
    const now = Date.now();
    await refused(
      secrets(await issueCertificate(server.ca, { subject, usages: ['server'], validityDays: 1, now })),
      401,
    );
  });

  test('whose time is over, or not yet come', async () => {
    const { server, refused } = plane;
    for (const now of [Date.now() - 3 * 86_400_000, Date.now() + 86_400_000]) {
      await refused(
        secrets(await issueCertificate(server.ca, { subject, usages: ['client'], validityDays: 1, now })),
        401,
      );
    }
  });

  test('that names nobody', async () => {
    await plane.refused(secrets(await plane.server.client('')), 401);
  });
});

test.each([
  '/api/v1/namespaces/kube-system//secrets/crown',
  '//api/v1/namespaces/kube-system/secrets/crown',
  '/api/v1/namespaces/default/../kube-system/secrets/crown',
  '/api/v1/namespaces/default/%2e%2e/kube-system/secrets/crown',
  '/api/v1/namespaces/default/%2E%2E%2Fkube-system/secrets/crown',
  '/api/v1/namespaces/kube-system%2Fsecrets/crown',
  '/api/v1/namespaces/kube-system/secrets/%zz',
  '/version/../api/v1/namespaces/kube-system/secrets/crown',
  '/healthz/..%2f../api/v1/namespaces/kube-system/secrets/crown',
  '/livez/%2e%2e/metrics',
])('%s leads nowhere, with or without a name', async (path) => {
  await plane.refused(plane.server.get(path, { as: null }), 401);
  await plane.refused(plane.server.get(path, { as: mallory }), 403);
});

test.each(['/api/v1/namespaces/default/%2e%2e/pods', '/livez/%2e%2e/metrics', '/api/v1/%zz'])(
  'who may do everything is told what is wrong with %s',
  async (path) => {
    const { status, json } = await plane.server.get(path);
    expect([status, json.reason]).toEqual([400, 'BadRequest']);
  },
);

test('nothing that was said shows what was not to be had', () => {
  const said = plane.said();
  expect(said).toContain('mallory');
  for (const secret of [crown, 'the-crown-jewels', mallory.key, node.key]) expect(said).not.toContain(secret);
});

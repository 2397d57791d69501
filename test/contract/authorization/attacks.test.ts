/** Ways around the authorizer that must lead nowhere: other spellings of a path, headers that claim, identities that are borrowed. */
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import type { Answer, TestServer } from '../../support/api-server.ts';
import { type Audited, startAudited } from '../security/audited.ts';

let plane: Audited;
let server: TestServer;
let mallory: CertifiedKey;
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const secret = 'c2VjcmV0LW9mLXRoZS1jcm93bg==';

beforeAll(async () => {
  plane = await startAudited();
  server = plane.server;
  mallory = await server.client('mallory');
  await ok(
    server.post('/api/v1/namespaces/kube-system/secrets', {
      metadata: { name: 'crown' },
      data: { k: secret },
    }),
  );
  await ok(server.post('/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: 'strong' } }));
  await ok(server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } }));
  await ok(
    server.post(`${rbac}/clusterrolebindings`, {
      metadata: { name: 'strong' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'strong', namespace: 'kube-system' }],
    }),
  );
});
afterAll(() => server.close());

async function ok(answer: Promise<Answer>): Promise<Answer> {
  const found = await answer;
  expect(found.status, found.text).toBeLessThan(300);
  return found;
}

/** Mallory's, as she pleases: on record, and neither the answer nor what it says may give anything away. */
async function isRefused(answer: Promise<Answer>, ...statuses: number[]): Promise<void> {
  const { text } = await plane.refused(answer, ...statuses);
  expect(text).not.toContain(secret);
}

describe('other spellings of a path', () => {
  const tricks = [
    '/api/v1/namespaces/kube-system//secrets/crown',
    '//api/v1/namespaces/kube-system/secrets/crown',
    '/api//v1/namespaces/kube-system/secrets/crown',
    '/api/v1/namespaces/default/../kube-system/secrets/crown',
    '/api/v1/namespaces/default/%2e%2e/kube-system/secrets/crown',
    '/api/v1/namespaces/default/%2E%2E%2Fkube-system/secrets/crown',
    '/api/v1/namespaces/kube-system%2Fsecrets/crown',
    '/api/v1/namespaces/kube-system/secrets%2Fcrown',
    '/api/v1/namespaces/kube-system/secrets/crown/',
    '/api/v1/namespaces/kube-system/secrets/crown/.',
    '/api/v1/namespaces/kube-system/secrets/./crown',
    '/api/v1/namespaces/kube-system/secrets/crown%00',
    '/api/v1/namespaces/kube-system/secrets/crown;x=y',
    '/api/v1/namespaces/kube-system/SECRETS/crown',
    '/API/v1/namespaces/kube-system/secrets/crown',
    '/version/../api/v1/namespaces/kube-system/secrets/crown',
    '/healthz/../../api/v1/namespaces/kube-system/secrets/crown',
    '/api/v1/watch/namespaces/kube-system/secrets/crown',
    '/api/v1/proxy/namespaces/kube-system/secrets/crown',
    '/api/v1/%73ecrets',
    '/api/v1/%6eamespaces/kube-system/secrets/crown',
    '/apis/../api/v1/namespaces/kube-system/secrets/crown',
    '/openapi/..%2f..%2fapi/v1/namespaces/kube-system/secrets/crown',
    '/api/v1/namespaces/kube-system/secrets?namespace=default',
    '/api/v1/secrets?fieldSelector=metadata.name%3Dcrown%2Cmetadata.namespace%3Dkube-system',
  ];
  test.each(tricks)('%s', async (path) => {
    await isRefused(server.get(path, { as: mallory }), 400, 403, 404);
    // Without credentials not even that.
    await isRefused(server.get(path, { as: null }), 400, 401, 404);
  });

  test('a name in a selector that is no name is not taken for one', async () => {
    await ok(
      server.post(`${rbac}/clusterroles`, {
        metadata: { name: 'one-map' },
        rules: [
          {
            apiGroups: [''],
            resources: ['configmaps'],
            resourceNames: ['a'],
            verbs: ['list', 'deletecollection'],
          },
        ],
      }),
    );
    await ok(
      server.post(`${rbac}/clusterrolebindings`, {
        metadata: { name: 'one-map' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'one-map' },
        subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
      }),
    );
    const path = '/api/v1/namespaces/kube-system/configmaps';
    const list = (selector: string) => server.get(`${path}?fieldSelector=${selector}`, { as: mallory });
    expect((await list('metadata.name%3Da')).status).toBe(200);
    for (const selector of [
      'metadata.name%21%3Da',
      'metadata.namespace%3Dkube-system',
      'metadata.name%3Da%2Fb',
      'metadata.name%3D..',
      'data%3Da',
    ]) {
      expect((await list(selector)).status, selector).toBe(403);
    }
    const all = server.delete(path, undefined, { as: mallory });
    expect((await all).status).toBe(403);
  });
});

describe('headers that claim', () => {
  const path = '/api/v1/namespaces/kube-system/secrets/crown';
  const claims: Record<string, string>[] = [
    { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' },
    { 'x-remote-extra-scopes': 'all', 'x-remote-user': 'admin' },
    { 'x-forwarded-user': 'admin', 'x-forwarded-client-cert': 'Subject="CN=admin,O=system:masters"' },
    { 'ssl-client-subject-dn': 'CN=admin,O=system:masters' },
    { 'x-http-method-override': 'OPTIONS' },
    { 'x-original-url': '/version', 'x-rewrite-url': '/version' },
    { 'impersonate-user': 'kubernetes-admin' },
    { 'impersonate-user': 'mallory', 'impersonate-group': 'system:masters' },
    { 'impersonate-user': 'system:serviceaccount:kube-system:strong' },
    { 'Impersonate-User': 'mallory', 'Impersonate-Uid': '0' },
    { 'impersonate-user': 'mallory', 'impersonate-extra-scopes': 'all' },
    { 'impersonate-user': '', 'impersonate-group': 'system:masters' },
    { 'impersonate-group': 'system:masters' },
    { authorization: 'Bearer system:masters' },
    { authorization: 'Basic YWRtaW46YWRtaW4=' },
  ];
  test.each(claims.map((headers) => [JSON.stringify(headers), headers] as const))(
    '%s',
    async (_, headers) => {
      await isRefused(server.get(path, { as: mallory, headers }), 400, 401, 403);
      await isRefused(server.get(path, { as: null, headers }), 400, 401, 403);
    },
  );

  test('two requests in one, by a length and chunks that disagree, are not two', async () => {
    const inner = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const outer = `POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${inner.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`;
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port: server.port,
        ca: server.ca.certificate,
        cert: mallory.certificate,
        key: mallory.key,
        servername: 'localhost',
        ALPNProtocols: ['http/1.1'],
      });
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.once('close', () => resolve(Buffer.concat(chunks).toString()));
      socket.once('error', reject);
      socket.end(outer);
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).not.toContain(secret);
  });
});

describe('borrowed identities', () => {
  const merge = 'application/merge-patch+json';
  const forbidden = (answer: Promise<Answer>) => isRefused(answer, 403);

  beforeAll(async () => {
    // Mallory edits her own namespace.
    await ok(
      server.post(`${rbac}/namespaces/default/rolebindings`, {
        metadata: { name: 'mallory' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
        subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
      }),
    );
  });

  test('a token of a stronger account of another namespace is not given', async () => {
    const as = mallory;
    const token = '/api/v1/namespaces/kube-system/serviceaccounts/strong/token';
    await forbidden(server.post(token, { spec: {} }, { as }));
    await forbidden(
      server.post('/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: 'x' } }, { as }),
    );
    // One of her own namespace is, and is no stronger than it says.
    const own = await ok(
      server.post('/api/v1/namespaces/default/serviceaccounts/default/token', { spec: {} }, { as }),
    );
    const headers = { authorization: `Bearer ${own.json.status?.token}` };
    await forbidden(server.get('/api/v1/namespaces/kube-system/secrets/crown', { as: null, headers }));
  });

  test('an account is impersonated in her namespace alone', async () => {
    const headers = (name: string) => ({ 'impersonate-user': name });
    const get = (name: string) =>
      server.get('/api/v1/namespaces/default/pods', { as: mallory, headers: headers(name) });
    const own = await get('system:serviceaccount:default:default');
    expect(own.json.message).toContain('User "system:serviceaccount:default:default" cannot list');
    const strong = await get('system:serviceaccount:kube-system:strong');
    expect([strong.status, strong.json.message]).toEqual([
      403,
      'serviceaccounts "strong" is forbidden: User "mallory" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "kube-system"',
    ]);
    const group = server.get('/api/v1/nodes', {
      as: mallory,
      headers: {
        'impersonate-user': 'system:serviceaccount:default:default',
        'impersonate-group': 'system:masters',
      },
    });
    expect((await group).json.message).toBe(
      'groups "system:masters" is forbidden: User "mallory" cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
    const extra = server.get('/api/v1/nodes', {
      as: mallory,
      headers: {
        'impersonate-user': 'system:serviceaccount:default:default',
        'impersonate-extra-scopes': 'all',
      },
    });
    expect((await extra).json.message).toBe(
      'userextras.authentication.k8s.io "all" is forbidden: User "mallory" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    );
  });

  test('what she may not do herself she cannot have done by binding, by role, by label or by node', async () => {
    const as = mallory;
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
    const subjects = [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }];
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const metadata = { name: 'mine' };
    await forbidden(server.post(`${rbac}/clusterrolebindings`, { metadata, roleRef, subjects }, { as }));
    await forbidden(
      server.post(`${rbac}/namespaces/default/rolebindings`, { metadata, roleRef, subjects }, { as }),
    );
    await forbidden(server.post(`${rbac}/namespaces/default/roles`, { metadata, rules }, { as }));
    await forbidden(server.patch(`${rbac}/clusterroles/edit`, merge, { rules }, { as }));
    const gathered = {
      metadata: { ...metadata, labels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
      rules,
    };
    await forbidden(server.post(`${rbac}/clusterroles`, gathered, { as }));
    await forbidden(server.patch(`${rbac}/clusterrolebindings/cluster-admin`, merge, { subjects }, { as }));
    await forbidden(server.post('/api/v1/nodes', { metadata }, { as }));
    await forbidden(
      server.post('/api/v1/namespaces/default/pods/x/binding', { target: { name: 'one' } }, { as }),
    );
    await forbidden(
      server.post('/apis/certificates.k8s.io/v1/certificatesigningrequests', { metadata, spec: {} }, { as }),
    );
  });
});

test('nothing that was said shows what was not to be had', () => {
  for (const hidden of [secret, mallory.key]) expect(plane.said()).not.toContain(hidden);
});

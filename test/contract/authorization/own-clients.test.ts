/** The API server as its own client: what it may do, and that its names are worth nothing to anyone else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessEntriesReader } from '../../../functions/apiserver/authorization/bootstrap-policy/namespaces.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const as = (username: string) => ({
  headers: { 'impersonate-user': username, 'impersonate-group': 'system:authenticated' },
});
const configMaps = '/api/v1/namespaces/kube-system/configmaps';
const clusterRoles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';

test('has made what every cluster has, without being an administrator', async () => {
  const roles = await server.get(clusterRoles);
  expect(roles.json.items?.length).toBeGreaterThan(50);
  expect((await server.get('/api/v1/namespaces/default/services/kubernetes')).status).toBe(200);
});

test('who takes the name that it has at a start holds none of its rights', async () => {
  const own = as('system:apiserver');
  const everything = {
    metadata: { name: 'mine' },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  };
  expect((await server.post(clusterRoles, everything, own)).status).toBe(403);
  expect((await server.get('/api/v1/namespaces/default', own)).status).toBe(403);
});

test('reads the access entries, and nothing beside them', async () => {
  const reader = as(accessEntriesReader);
  // Allowed, and there is none.
  expect((await server.get(`${configMaps}/iam-access-entries`, reader)).status).toBe(404);
  for (const path of [
    `${configMaps}/extension-apiserver-authentication`,
    configMaps,
    '/api/v1/namespaces/default/configmaps/iam-access-entries',
    '/api/v1/namespaces/kube-system/secrets',
  ]) {
    expect((await server.get(path, reader)).status, path).toBe(403);
  }
  const entries = { metadata: { name: 'iam-access-entries' }, data: { entries: '[]' } };
  expect((await server.post(configMaps, entries, reader)).status).toBe(403);
});

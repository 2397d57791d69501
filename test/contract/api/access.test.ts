import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const path = '/api/v1/namespaces/default/configmaps';

describe('authentication', () => {
  test('without credentials is 401, except to see whether the server lives', async () => {
    const { status, json } = await server.get('/api/v1/pods', { as: null });
    expect(status).toBe(401);
    expect(json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
    for (const open of ['/healthz', '/livez', '/readyz', '/version']) {
      expect((await server.get(open, { as: null })).status).toBe(200);
    }
    expect((await server.get('/apis', { as: null })).status).toBe(401);
  });

  test('by a certificate of another authority is 401', async () => {
    const ca = await createCa({ commonName: 'other', validityDays: 1, now: Date.now() });
    const stranger = await issueCertificate(ca, {
      subject: { commonName: 'x', organizations: ['system:masters'] },
      usages: ['client'],
      validityDays: 1,
      now: Date.now(),
    });
    expect((await server.get('/api/v1/pods', { as: stranger })).status).toBe(401);
  });

  test('by a service account token lasts as long as what it is bound to', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await server.post(accounts, { metadata: { name: 'robot' } });
    const { status, json } = await server.post(`${accounts}/robot/token`, {
      spec: { expirationSeconds: 600 },
    });
    expect(status).toBe(201);
    const headers = { authorization: `Bearer ${json.status?.token}` };
    expect((await server.get('/apis', { as: null, headers })).status).toBe(200);
    const refused = await server.get('/api/v1/pods', { as: null, headers });
    expect(refused.json.message).toBe(
      'pods is forbidden: User "system:serviceaccount:default:robot" cannot list resource "pods" in API group "" at the cluster scope',
    );
    expect(
      (await server.get('/apis', { as: null, headers: { authorization: `Bearer ${json.status?.token}x` } }))
        .status,
    ).toBe(401);
    await server.delete(`${accounts}/robot`);
    expect((await server.get('/apis', { as: null, headers })).status).toBe(401);
  });

  test('a token bound to a pod ends with the pod', async () => {
    await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    const pods = '/api/v1/namespaces/default/pods';
    const { json: pod } = await server.post(pods, {
      metadata: { name: 'bound' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'bound', uid: pod.metadata?.uid };
    const { json } = await server.post('/api/v1/namespaces/default/serviceaccounts/default/token', {
      spec: { boundObjectRef },
    });
    const headers = { authorization: `Bearer ${json.status?.token}` };
    expect((await server.get('/apis', { as: null, headers })).status).toBe(200);
    await server.delete(`${pods}/bound`);
    expect((await server.get('/apis', { as: null, headers })).status).toBe(401);
  });
});

describe('authorization', () => {
  test('denies by default, with who, what and where', async () => {
    const bob = await server.client('bob');
    const { status, json } = await server.get(path, { as: bob });
    expect(status).toBe(403);
    expect(json.message).toBe(
      'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
    expect((await server.get('/apis', { as: bob })).status).toBe(200);
    expect((await server.get('/metrics', { as: bob })).json.message).toBe(
      'forbidden: User "bob" cannot get path "/metrics"',
    );
  });

  test('impersonation needs leave', async () => {
    const headers = { 'impersonate-user': 'alice', 'impersonate-group': 'system:masters' };
    expect((await server.get(path, { headers: { 'impersonate-user': 'alice' } })).json.message).toContain(
      'User "alice"',
    );
    expect((await server.get(path, { headers })).status).toBe(200);
    const bob = await server.client('bob');
    expect((await server.get(path, { as: bob, headers })).json.message).toContain(
      'User "bob" cannot impersonate-on:user-info:list resource "configmaps"',
    );
  });
});

describe('bad input', () => {
  const refused = async (body: unknown, query = '', headers: Record<string, string> = {}) => {
    const { status, json } = await server.call('POST', path + query, {
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return [status, json.reason, json.message];
  };

  test('of every sort is answered as by kube-apiserver, and nothing is stored', async () => {
    const [status, reason, message] = await refused('{"metadata":');
    expect([status, reason]).toEqual([400, 'BadRequest']);
    expect(message).toContain('json parse error');
    expect(await refused({ metadata: { name: 'x' }, datum: {} }, '?fieldValidation=Strict')).toEqual([
      400,
      'BadRequest',
      expect.stringContaining('strict decoding error: unknown field "datum"'),
    ]);
    expect(await refused({ metadata: { name: 'x' }, data: { a: 1 } })).toEqual([
      400,
      'BadRequest',
      expect.stringContaining('cannot unmarshal number'),
    ]);
    expect(await refused({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'x' } })).toEqual([
      400,
      'BadRequest',
      expect.stringContaining('cannot be handled as a ConfigMap'),
    ]);
    expect((await refused({ metadata: { name: 'Not_A_Name' } })).slice(0, 2)).toEqual([422, 'Invalid']);
    expect((await refused('a: b', '', { 'content-type': 'text/plain' })).slice(0, 2)).toEqual([
      415,
      'UnsupportedMediaType',
    ]);
    expect((await refused('a: [', '', { 'content-type': 'application/yaml' })).slice(0, 2)).toEqual([
      400,
      'BadRequest',
    ]);
    expect(await refused(Buffer.alloc(3 * 1024 * 1024 + 1, 0x20))).toEqual([
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3145728',
    ]);
    expect((await server.get('/api/v1/nosuch')).json.reason).toBe('NotFound');
    expect((await server.get('/apis/no.such/v1/things')).status).toBe(404);
    expect((await server.put(path, {})).status).toBe(405);
    expect((await server.get(path)).json.items).toEqual([]);
  });

  test('warns of unknown fields by default', async () => {
    const { status, headers } = await server.post(path, { metadata: { name: 'warned' }, datum: {} });
    expect(status).toBe(201);
    expect(headers.warning).toBe('299 - "unknown field \\"datum\\""');
    await server.delete(`${path}/warned`);
  });

  test('paths with tricks are refused', async () => {
    for (const trick of [
      '/api/v1/namespaces/..%2fx/pods',
      '/api/v1/%2e%2e/pods',
      '/api/v1/namespaces/%zz/pods',
    ]) {
      expect((await server.get(trick)).status).toBe(400);
    }
  });
});

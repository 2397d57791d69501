/** Other ways to say who one is: bootstrap tokens, nothing at all, a token among the protocols of a WebSocket. */
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anonymousPaths } from '../../../functions/apiserver/authentication/anonymous.ts';
import { userOfCertificate } from '../../../functions/apiserver/authentication/client-certificates.ts';
import { startServer } from '../../support/api-server.ts';
import { listen } from '../../support/listen.ts';
import { X509Certificate } from 'node:crypto';
import { type Audited, bearer, startAudited } from './audited.ts';

let plane: Audited;
beforeAll(async () => {
  plane = await startAudited();
});
afterAll(() => plane.server.close());

const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };

describe('a bootstrap token', () => {
  const secrets = '/api/v1/namespaces/kube-system/secrets';
  const token = 'abcdef.0123456789abcdef';
  const base = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
  };
  const use = (given = token) => plane.server.post(review, asked, bearer(given));
  async function put(stringData: Record<string, string>, type = 'bootstrap.kubernetes.io/token') {
    const { server, must } = plane;
    await server.delete(`${secrets}/bootstrap-token-abcdef`);
    const metadata = { name: 'bootstrap-token-abcdef' };
    await must(server.post(secrets, { metadata, type, stringData }));
  }
  const at = (ms: number) => new Date(Date.now() + ms).toISOString().replace(/\.\d+/, '');

  test('is who its Secret says, until it says otherwise', async () => {
    await plane.refused(use(), 401);
    await put({
      ...base,
      expiration: at(3_600_000),
      'auth-extra-groups': 'system:bootstrappers:workers,system:bootstrappers:a',
    });
    const { status, json } = await use();
    expect(status).toBe(201);
    expect(json.status).toEqual({
      userInfo: {
        username: 'system:bootstrap:abcdef',
        groups: [
          'system:bootstrappers',
          'system:bootstrappers:a',
          'system:bootstrappers:workers',
          'system:authenticated',
        ],
      },
    });
    await plane.server.delete(`${secrets}/bootstrap-token-abcdef`);
    await plane.refused(use(), 401);
  });

  test.each<[string, Record<string, string>, string?]>([
    ['whose time is over', { expiration: at(-1000) }],
    ['whose time cannot be read', { expiration: 'tomorrow' }],
    ['whose time cannot be', { expiration: '2126-13-45T00:00:00Z' }],
    ['for something else', { 'usage-bootstrap-authentication': 'false' }],
    ['with groups of others', { 'auth-extra-groups': 'system:masters' }],
    ['with a group of others among them', { 'auth-extra-groups': 'system:bootstrappers:a,system:nodes' }],
    ['with another id', { 'token-id': 'abcdeg' }],
    ['with another second part', { 'token-secret': '0123456789abcdeg' }],
    ['in a Secret of another type', {}, 'Opaque'],
  ])('%s is refused', async (_, data, type) => {
    await put({ ...base, ...data }, type);
    await plane.refused(use(), 401);
  });

  test('is refused in another form', async () => {
    await put(base);
    expect((await use()).status).toBe(201);
    for (const other of ['abcdef.', 'abcdef.0123456789abcde', 'ABCDEF.0123456789abcdef', `${token}x`]) {
      await plane.refused(use(other), 401);
    }
    expect(plane.said()).not.toContain('0123456789abcdef');
  });
});

describe('without credentials', () => {
  const publicPaths = ['/healthz', '/livez', '/readyz', '/version'];

  test('public paths alone are answered', async () => {
    const { server, refused } = plane;
    for (const path of publicPaths) expect((await server.get(path, { as: null })).status, path).toBe(200);
    for (const path of ['/', '/api', '/apis', '/metrics', '/openapi/v2', '/healthzz', '/versions', '/livezx'])
      await refused(server.get(path, { as: null }), 401);
    // Roles may be given to anonymous users for these two.
    for (const path of ['/openid/v1/jwks', '/.well-known/openid-configuration'])
      await refused(server.get(path, { as: null }), 403);
  });

  test('bad ones are worse than none', async () => {
    for (const path of publicPaths) await plane.refused(plane.server.get(path, bearer('bad')), 401);
  });

  test('it is as the configuration says', async () => {
    const only = anonymousPaths({ enabled: true, conditions: [{ path: '/livez' }] });
    expect(['/livez', '/livez/', '/livez/ping', '/healthz', '/'].map(only)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(anonymousPaths({ enabled: false })('/livez')).toBe(false);
    const open = await startServer({ authentication: { anonymous: { enabled: true } } });
    try {
      expect((await open.get('/livez', { as: null })).status).toBe(200);
      const { status, json } = await open.get('/api/v1/pods', { as: null });
      expect([status, json.message]).toEqual([
        403,
        expect.stringContaining('User "system:anonymous" cannot list resource "pods"'),
      ]);
    } finally {
      await open.close();
    }
  });
});

test('a certificate is not good for longer because its connection is still there', async () => {
  const { certificate } = await plane.server.client('ann', 'dev', 'ops');
  const { raw, validToDate, validFromDate } = new X509Certificate(certificate);
  expect(userOfCertificate(raw, Date.now())).toMatchObject({ username: 'ann', groups: ['dev', 'ops'] });
  for (const nowMs of [validToDate.getTime() + 1, validFromDate.getTime() - 1]) {
    expect(() => userOfCertificate(raw, nowMs)).toThrow(expect.objectContaining({ kind: 'Unauthorized' }));
  }
});

test('a token among the protocols of a WebSocket lets in, and is not shown to the pod at the other end', async () => {
  const { server, must } = plane;
  const core = '/api/v1/namespaces/default';
  // No pod is looked for on the loopback.
  const address =
    Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '';
  await must(server.post(`${core}/serviceaccounts`, { metadata: { name: 'viewer' } }));
  await must(
    server.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'viewer' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'default' }],
    }),
  );
  const { json } = await must(server.post(`${core}/serviceaccounts/viewer/token`, { spec: {} }));
  const token = json.status?.token ?? '';
  const { promise: seen, resolve } = Promise.withResolvers<IncomingMessage>();
  const pod = createServer();
  pod.on('upgrade', (request, socket) => {
    resolve(request);
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  });
  const port = await listen(pod, '0.0.0.0');
  await must(
    server.post(`${core}/pods`, {
      metadata: { name: 'web' },
      spec: { serviceAccountName: 'viewer', containers: [{ name: 'c', image: 'i' }] },
    }),
  );
  const running = { status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } };
  await must(server.patch(`${core}/pods/web/status`, 'application/merge-patch+json', running), 200);

  const upgrade = (protocols: string) =>
    new Promise<string>((done, fail) => {
      const socket = connectTls({
        socket: connect(server.port, '127.0.0.1'),
        ca: server.ca.certificate,
        servername: 'localhost',
        ALPNProtocols: ['http/1.1'],
      });
      socket.once('error', fail);
      socket.once('data', (chunk: Buffer) => {
        done(chunk.toString().split('\r\n', 1)[0] ?? '');
        socket.destroy();
      });
      socket.write(
        `GET ${core}/pods/web:${port}/proxy/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${protocols}\r\n\r\n`,
      );
    });
  const named = (text: string) =>
    `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString('base64url')}`;
  try {
    for (const protocols of [
      named(token),
      `chat, ${named('bad')}`,
      `chat, ${named(token)}, ${named(token)}x`,
      'chat, base64url.bearer.authorization.k8s.io.!!',
      'chat',
    ]) {
      expect(await upgrade(protocols), protocols).toContain('401');
    }
    expect(await upgrade(`chat, ${named(token)}`)).toContain('101');
    const { headers } = await seen;
    expect(headers['sec-websocket-protocol']).toBe('chat');
    expect(JSON.stringify(headers)).not.toContain(named(token));
  } finally {
    pod.closeAllConnections();
    pod.close();
  }
});

/** Who may have which stream of a pod through the gateway, by each method: no way in that the API server would not give. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseTokens } from '../../../functions/apiserver/authentication/token-file.ts';
import { createHttpsTransport } from '../../../lib/client/https.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createTokenReviewer } from '../../../node-agent/authenticate.ts';
import { createStreamGateway } from '../../../node-agent/gateway/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { listen } from '../../support/listen.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
/** What each may do with every stream; all of them may read pods. */
const users = {
  nobody: [],
  reader: ['get'],
  creator: ['create'],
  both: ['get', 'create'],
  all: ['get', 'create', 'update', 'patch', 'delete'],
} as const;
type User = keyof typeof users;

const stop = new AbortController();
let server: TestServer;
let gateway: Server;
let gatewayPort: number;

beforeAll(async () => {
  const names = Object.keys(users);
  server = await startServer({
    authentication: {
      staticTokens: parseTokens(names.map((name) => `token-of-${name},${name},${name}\n`).join(''), 'test'),
    },
  });
  const must = async (path: string, body: object) => {
    const { status, text } = await server.post(path, body);
    expect(status, text).toBe(201);
  };
  await must('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await must('/api/v1/namespaces/default/pods', {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  for (const [name, verbs] of Object.entries(users)) {
    await must(`${rbac}/roles`, {
      metadata: { name },
      rules: [
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
        ...(verbs.length > 0
          ? [
              {
                apiGroups: [''],
                resources: ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/log'],
                verbs,
              },
            ]
          : []),
      ],
    });
    await must(`${rbac}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
    });
  }
  const client = createInProcessClient(server.handle, {
    username: 'system:node:n',
    groups: ['system:masters'],
  });
  const unused = () => Promise.reject(new Error('nothing runs here'));
  const environment = { clock: systemClock, log: silentLogger };
  const streams = createStreamGateway({
    ...environment,
    nodeIp: '127.0.0.1',
    peers: { port: 1, ca: server.ca.certificate },
    client,
    userOfToken: createTokenReviewer(client, environment),
    connectAs: (token) =>
      createHttpsTransport({
        server: `https://127.0.0.1:${server.port}`,
        ca: server.ca.certificate,
        token: { value: token },
      }),
    lookup: { pods: () => [], runningContainer: unused, readySandbox: unused, containerLog: unused },
    runtime: { execSync: unused, exec: unused, attach: unused, portForward: unused },
    signal: stop.signal,
  });
  gateway = createServer(streams.request);
  gateway.on('upgrade', streams.upgrade);
  gatewayPort = await listen(gateway);
});
afterAll(async () => {
  stop.abort();
  gateway.closeAllConnections();
  gateway.close();
  await server.close();
});

interface Ask {
  method: string;
  subresource: string;
  token?: string;
  headers?: Record<string, string>;
}

/** The code, and the message of the Status. */
function ask({ method, subresource, token, headers = {} }: Ask): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      port: gatewayPort,
      host: '127.0.0.1',
      path: `/api/v1/namespaces/default/pods/web/${subresource}`,
      method,
      agent: false,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('error', reject);
      response.once('end', () =>
        resolve([
          response.statusCode ?? 0,
          text && ((JSON.parse(text) as { message?: string }).message ?? ''),
        ]),
      );
    });
    outgoing.end();
  });
}

/** What is said to whoever was let in: the pod is on no node yet. */
const letIn: [number, string] = [400, 'pod web does not have a host assigned'];
const cannot = (user: User, verb: string, subresource: string): [number, string] => [
  403,
  `pods "web" is forbidden: User "${user}" cannot ${verb} resource "pods/${subresource}" in API group "" in the namespace "default"`,
];
const notAllowed: [number, string] = [405, 'the server does not allow this method on the requested resource'];

const verbs = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** By the roles alone, and by what kube-apiserver serves. */
function expected(user: User, method: keyof typeof verbs, subresource: string): [number, string] {
  const held: readonly string[] = users[user];
  const verb = verbs[method];
  if (!held.includes(verb)) return cannot(user, verb, subresource);
  if (subresource === 'log') return method === 'GET' ? letIn : notAllowed;
  if (method !== 'GET' && method !== 'POST') return notAllowed;
  return held.includes('create') ? letIn : cannot(user, 'create', subresource);
}

const methods = Object.keys(verbs) as (keyof typeof verbs)[];
const subresources = ['exec', 'attach', 'portforward', 'log'];
const websocket = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe.each(subresources)('%s', (subresource) => {
  test.each(Object.keys(users) as User[])('of %s, by each method', async (user) => {
    for (const method of methods) {
      const asked = { method, subresource, token: `token-of-${user}` };
      expect(await ask(asked), method).toEqual(expected(user, method, subresource));
    }
  });

  test('by an upgrade: no more than without one', async () => {
    for (const user of Object.keys(users) as User[]) {
      for (const method of ['GET', 'POST'] as const) {
        const asked = { method, subresource, token: `token-of-${user}`, headers: websocket };
        expect(await ask(asked), `${user} ${method}`).toEqual(expected(user, method, subresource));
      }
    }
  });

  test('with no token, a wrong one, in the name of another, and by methods that are no verb', async () => {
    for (const method of methods) {
      expect((await ask({ method, subresource }))[0]).toBe(401);
      expect((await ask({ method, subresource, token: 'token-of-nobod' }))[0]).toBe(401);
    }
    const token = 'token-of-all';
    const headers = { 'impersonate-user': 'kubernetes-admin' };
    expect((await ask({ method: 'GET', subresource, token, headers }))[0]).toBe(400);
    for (const method of ['OPTIONS', 'PROPFIND'])
      expect(await ask({ method, subresource, token })).toEqual(notAllowed);
    expect((await ask({ method: 'HEAD', subresource, token }))[0]).toBe(405);
  });
});

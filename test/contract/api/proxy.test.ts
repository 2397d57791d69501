/** pods/proxy, services/proxy and nodes/proxy against a small HTTP server that plays the pod. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { listen } from '../../support/listen.ts';
import { ownAddress } from '../../support/own-address.ts';

/** A pod has an address of its own; loopback is refused. */
let address: string;
let releaseAddress: () => Promise<void>;

let server: TestServer;
let backend: Server;
let sockets: WebSocketServer;
let port = 0;
const core = '/api/v1/namespaces/default';

beforeAll(async () => {
  ({ address, release: releaseAddress } = await ownAddress());
  server = await startServer();
  backend = createServer(
    (request, response) =>
      void answer(request).then((page) => {
        response.writeHead(page.status ?? 200, page.headers);
        response.end(page.body);
      }),
  );
  sockets = new WebSocketServer({ server: backend });
  sockets.on('connection', (socket) =>
    socket.on('message', (data) => socket.send(`echo ${(data as Buffer).toString()}`)),
  );
  port = await listen(backend, '0.0.0.0');
  await server.post(`${core}/serviceaccounts`, { metadata: { name: 'default' } });
  await server.post(`${core}/pods`, {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port }] }] },
  });
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }] };
  await server.patch(`${core}/pods/web/status`, 'application/merge-patch+json', { status });
  await server.post(`${core}/services`, {
    metadata: { name: 'web' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: port }] },
  });
  await server.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: 'web', namespace: 'default' },
      },
    ],
  });
});
afterAll(async () => {
  await server.close();
  sockets.close();
  backend.closeAllConnections();
  await new Promise((resolve) => backend.close(resolve));
  await releaseAddress();
});

async function answer(
  request: IncomingMessage,
): Promise<{ status?: number; headers: Record<string, string>; body: string | Buffer }> {
  const page =
    '<a href="/there?x=1&amp;y=2">there</a><a href="near">near</a><!-- <a href="/not"> --><script>var a = "<a href=\'/raw\'>"</script><img src=/i.png>';
  switch (request.url?.split('?')[0]) {
    case '/page':
      return {
        headers: { 'content-type': 'text/html; charset=utf-8', 'access-control-allow-origin': '*' },
        body: page,
      };
    case '/packed':
      return { headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' }, body: gzipSync(page) };
    case '/moved':
      return { status: 302, headers: { location: `http://${request.headers.host}/new/place/` }, body: '' };
    default: {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method, url, headers } = request;
      return {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }),
      };
    }
  }
}

interface Echo {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}
const echo = (text: string) => JSON.parse(text) as Echo;

test('every method arrives at the pod, with path, query and body', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const body = method === 'GET' || method === 'OPTIONS' ? undefined : 'hello';
    const { status, text } = await server.call(method, `${core}/pods/web/proxy/a/b%20c/?q=1&w=2`, {
      body,
      headers: { authorization: 'Bearer secret', 'x-own': 'kept' },
    });
    expect(status, text).toBe(200);
    const seen = echo(text);
    expect(seen).toMatchObject({ method, url: '/a/b%20c/?q=1&w=2', body: body ?? '' });
    expect(seen.headers).toMatchObject({
      'x-own': 'kept',
      'x-forwarded-uri': `${core}/pods/web/proxy/a/b%20c/`,
      'x-forwarded-for': expect.stringContaining('127.0.0.1'),
    });
    expect(seen.headers.authorization).toBeUndefined();
  }
  const head = await server.call('HEAD', `${core}/pods/web/proxy/x`);
  expect([head.status, head.text]).toEqual([200, '']);
});

test('a path that ends at the word proxy is sent on to its slash', async () => {
  const { status, headers } = await server.get(`${core}/pods/web/proxy?a=b`);
  expect([status, headers.location]).toEqual([301, `${core}/pods/web/proxy/?a=b`]);
  const posted = await server.post(`${core}/pods/web/proxy`, 'x');
  expect([posted.status, echo(posted.text).url]).toEqual([200, '/']);
});

test('a service is reached by name, by port and by scheme', async () => {
  for (const id of ['web:http', 'web:80', 'http:web:http']) {
    const { status, text } = await server.get(`${core}/services/${id}/proxy/where`);
    expect(status, `${id} ${text}`).toBe(200);
    expect(echo(text).url).toBe('/where');
  }
  const unknown = await server.get(`${core}/services/web:81/proxy/`);
  expect([unknown.status, unknown.json.message]).toEqual([503, 'no service port 81 found for service "web"']);
  const unnamed = await server.get(`${core}/services/web/proxy/`);
  expect([unnamed.status, unnamed.json.message]).toEqual([503, 'no endpoints available for service "web"']);
  const missing = await server.get(`${core}/services/nothing:80/proxy/`);
  expect([missing.status, missing.json.reason]).toEqual([404, 'NotFound']);
  const odd = await server.get(`${core}/services/ftp:web:80/proxy/`);
  expect([odd.status, odd.json.message]).toEqual([400, 'invalid service request "ftp:web:80"']);
});

test('links and redirects lead through the proxy again', async () => {
  const prefix = `${core}/services/web:http/proxy`;
  const page = await server.get(`${prefix}/page`);
  expect(page.text).toBe(
    `<a href="${prefix}/there?x=1&amp;y=2">there</a><a href="near">near</a><!-- <a href="/not"> --><script>var a = "<a href='/raw'>"</script><img src=${prefix}/i.png>`,
  );
  expect(page.headers['access-control-allow-origin']).toBeUndefined();
  const packed = await server.get(`${prefix}/packed`);
  expect(packed.headers['content-encoding']).toBe('gzip');
  const moved = await server.get(`${prefix}/moved`);
  expect([moved.status, moved.headers.location]).toEqual([
    302,
    `http://127.0.0.1:${server.port}${prefix}/new/place/`,
  ]);
});

test('a pod that does not listen, or is nowhere, is an answer and no failure', async () => {
  const closed = await server.get(`${core}/pods/web:1/proxy/`);
  expect(closed.status).toBe(503);
  expect(closed.json.message).toBe(
    `error trying to reach service: dial tcp ${address}:1: connect: connection refused`,
  );
  await server.post(`${core}/pods`, {
    metadata: { name: 'idle' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  const idle = await server.get(`${core}/pods/idle/proxy/`);
  expect([idle.status, idle.json.message]).toEqual([400, 'address not allowed']);
  const gone = await server.get(`${core}/pods/gone/proxy/`);
  expect(gone.status).toBe(404);
});

test('a WebSocket goes through', async () => {
  const { certificate, key } = await server.client('kubernetes-admin', 'system:masters');
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${core}/pods/web/proxy/socket`, {
    ca: server.ca.certificate,
    cert: certificate,
    key,
  });
  const heard = await new Promise<string>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send('hello'));
    socket.on('message', (data) => resolve((data as Buffer).toString()));
  });
  socket.close();
  expect(heard).toBe('echo hello');
});

test('a node is reached at the address that it reports, with our certificate', async () => {
  const { createServer: createTls } = await import('node:https');
  const agent = createTls(
    {
      cert: server.nodeServer.certificate,
      key: server.nodeServer.key,
      ca: server.ca.certificate,
      requestCert: true,
    },
    (request, response) =>
      response.end(`${request.url} ${(request.socket as unknown as { authorized: boolean }).authorized}`),
  );
  const agentPort = await listen(agent);
  await server.post('/api/v1/nodes', { metadata: { name: 'n1' } });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: agentPort } },
  };
  await server.patch('/api/v1/nodes/n1/status', 'application/merge-patch+json', { status });
  for (const id of ['n1', `n1:${agentPort}`, `https:n1:${agentPort}`]) {
    const { text } = await server.get(`/api/v1/nodes/${id}/proxy/stats/summary?x=1`);
    expect(text, id).toBe('/stats/summary?x=1 true');
  }
  const other = await server.get('/api/v1/nodes/n1:22/proxy/');
  expect([other.status, other.json.message]).toEqual([400, 'address not allowed']);
  agent.closeAllConnections();
  await new Promise((resolve) => agent.close(resolve));
});

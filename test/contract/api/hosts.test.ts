import { randomBytes } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { createServer, type Server } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { listen } from '../../support/listen.ts';

let server: TestServer;
let node: Server;
const seen: string[] = [];

/** A node's server: it echoes what it is sent, and says what it was asked for. */
beforeAll(async () => {
  server = await startServer();
  node = createServer(
    {
      cert: server.nodeServer.certificate,
      key: server.nodeServer.key,
      ca: server.ca.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      seen.push(request.url ?? '');
      if (request.url?.includes('missing')) {
        response.writeHead(400);
        response.end('container is waiting to start');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('line one\nline two\n');
    },
  );
  const sockets = new WebSocketServer({ noServer: true });
  node.on('upgrade', (request, socket, head) => {
    seen.push(request.url ?? '');
    sockets.handleUpgrade(request, socket, head, (peer) => {
      peer.on('message', (data: RawData, isBinary) => peer.send(data, { binary: isBinary }));
    });
  });
  const port = await listen(node);
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await server.post('/api/v1/nodes', {
    metadata: { name: 'n1' },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  });
  for (const name of ['web', 'missing']) {
    await server.post('/api/v1/namespaces/default/pods', {
      metadata: { name },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
    });
  }
});
afterAll(async () => {
  await server.close();
  node.closeAllConnections();
  await new Promise((resolve) => node.close(resolve));
});

const exec = (path: string) =>
  new WebSocket(
    `wss://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/${path}`,
    'v5.channel.k8s.io',
    {
      ca: server.ca.certificate,
      headers: {},
      ...admin(),
    },
  );
const admin = () => ({ cert: adminKey.certificate, key: adminKey.key });
let adminKey: { certificate: string; key: string };
beforeAll(async () => {
  adminKey = await server.client('admin', 'system:masters');
});

test('an upgrade is joined with the node byte by byte', async () => {
  const socket = exec('web/exec?command=sh&command=-c&command=a%20b&stdin=true&stdout=true&tty=true');
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  expect(socket.protocol).toBe('v5.channel.k8s.io');
  const sent = randomBytes(2 * 1024 * 1024);
  const { promise, resolve } = Promise.withResolvers<RawData>();
  socket.once('message', resolve);
  socket.send(sent);
  expect(Buffer.compare((await promise) as Buffer, sent)).toBe(0);
  socket.close();
  expect(seen.at(-1)).toBe('/exec/default/web/c?input=1&output=1&tty=1&command=sh&command=-c&command=a+b');
});

test('an upgrade that is not allowed is refused as any request is', async () => {
  const bob = await server.client('bob');
  const socket = new WebSocket(
    `wss://127.0.0.1:${server.port}/api/v1/namespaces/default/pods/web/exec?command=ls`,
    {
      ca: server.ca.certificate,
      cert: bob.certificate,
      key: bob.key,
    },
  );
  const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
  expect(error.message).toContain('403');
  const plain = await server.get('/api/v1/namespaces/default/pods/web/exec?command=ls');
  expect([plain.status, plain.json.message]).toEqual([400, 'Upgrade request required']);
});

test('logs come from the node, with its errors', async () => {
  const log = await server.get('/api/v1/namespaces/default/pods/web/log?tailLines=5&follow=true');
  expect(log.text).toBe('line one\nline two\n');
  expect(seen.at(-1)).toBe('/containerLogs/default/web/c?follow=true&tailLines=5');
  const bad = await server.get('/api/v1/namespaces/default/pods/missing/log');
  expect([bad.status, bad.json.message]).toEqual([400, 'container is waiting to start']);
  expect((await server.get('/api/v1/namespaces/default/pods/web/log?tailLines=-1')).status).toBe(422);
  expect((await server.get('/api/v1/namespaces/default/pods/web/log?container=x')).json.message).toBe(
    'container x is not valid for pod web',
  );
});

test('a node that does not answer is an error in the words of what failed', async () => {
  const path = '/api/v1/namespaces/default/pods';
  await server.post('/api/v1/nodes', {
    metadata: { name: 'gone' },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
    },
  });
  await server.post(path, {
    metadata: { name: 'lost' },
    spec: { nodeName: 'gone', containers: [{ name: 'c', image: 'i' }] },
  });
  const refused = 'dial tcp 127.0.0.1:1: connect: connection refused';
  const log = await server.get(`${path}/lost/log`);
  // No reason, so that kubectl prints the message as it is.
  expect(log.json).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Get "https://127.0.0.1:1/containerLogs/default/lost/c": ${refused}`,
    code: 500,
  });
  const exec = server.open('GET', `${path}/lost/exec?command=ls`, {
    headers: { connection: 'Upgrade', upgrade: 'websocket' },
  });
  const text = await new Promise<string>((resolve, reject) => {
    exec.once('error', reject);
    exec.once('response', (response) => {
      let all = '';
      response.on('data', (chunk: Buffer) => (all += chunk.toString()));
      response.once('end', () => resolve(all));
    });
  });
  expect(JSON.parse(text)).toMatchObject({ code: 500, message: `error dialing backend: ${refused}` });
});

test('HTTP/2 serves many requests on one connection', async () => {
  const session = connectHttp2(`https://127.0.0.1:${server.port}`, { ca: server.ca.certificate, ...admin() });
  const one = (body?: Buffer) =>
    new Promise<number>((resolve, reject) => {
      const stream = session.request({
        ':path': '/api/v1/namespaces/default/configmaps',
        ':method': body ? 'POST' : 'GET',
        'content-type': 'application/json',
      });
      stream.once('response', (headers) => resolve(headers[':status'] ?? 0));
      stream.once('error', reject);
      stream.resume();
      stream.end(body);
    });
  expect(await Promise.all(Array.from({ length: 50 }, () => one()))).toEqual(Array(50).fill(200));
  expect(await one(Buffer.alloc(4 * 1024 * 1024, 0x20))).toBe(413);
  expect(await one()).toBe(200);
  session.close();
});

test('a connection stays after a write that was refused before its body was looked at', async () => {
  const bob = await server.client('bob');
  const socket = connectTls({
    host: '127.0.0.1',
    port: server.port,
    ca: server.ca.certificate,
    cert: bob.certificate,
    key: bob.key,
  });
  let answers = '';
  const body = JSON.stringify({ metadata: { name: 'x' } });
  const head = `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}`;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let count = 1;
  socket.on('data', (chunk: Buffer) => {
    answers += chunk.toString();
    const answered = answers.split('HTTP/1.1 403').length - 1;
    if (answered < count || !answers.endsWith('}')) return;
    if (count++ < 3) socket.write(`${head}\r\n\r\n${body}`);
    else socket.destroy();
  });
  socket.write(`${head}\r\n\r\n${body}`);
  await closed;
  expect(answers.split('HTTP/1.1 403')).toHaveLength(4);
  expect(answers).not.toMatch(/connection: close/i);
});

test('what is not HTTP is answered and cut off', async () => {
  const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: server.ca.certificate });
  socket.write('NONSENSE\r\n\r\n');
  const text = await new Promise<string>((resolve) => {
    let all = '';
    socket.on('data', (chunk: Buffer) => (all += chunk.toString()));
    socket.once('close', () => resolve(all));
  });
  expect(text).toMatch(/^HTTP\/1.1 400/);
});

test('what was acknowledged is there after a restart', async () => {
  const first = await startServer();
  await first.post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'kept' } });
  const before = await first.get('/api/v1/namespaces/default/services/kubernetes');
  await first.stop();
  const second = await startServer({ dir: first.dir });
  expect((await second.get('/api/v1/namespaces/default/configmaps/kept')).status).toBe(200);
  const after = await second.get('/api/v1/namespaces/default/services/kubernetes');
  expect(after.json.metadata?.resourceVersion).toBe(before.json.metadata?.resourceVersion);
  await second.close();
});

/** Connections that are held without a request, and requests that would leave a connection out of step for the next one. */
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { createServer, type Server } from 'node:http';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttps } from '../../../functions/apiserver/hosts/https.ts';
import { createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { createLogger } from '../../../lib/log.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { listen } from '../../support/listen.ts';
import { ownAddress } from '../../support/own-address.ts';

describe('a connection without requests', () => {
  let host: Awaited<ReturnType<typeof serveHttps>>;
  let ca: string;
  const answered = new AbortController();
  /** An answer that begins at once and ends when the test says so. */
  async function* lasting(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('so far');
    if (!answered.signal.aborted) await once(answered.signal, 'abort');
  }

  beforeAll(async () => {
    const now = Date.now();
    const authority = await createCa({ commonName: 'ca', validityDays: 1, now });
    const serving = await issueCertificate(authority, {
      subject: { commonName: 'server' },
      usages: ['server'],
      dnsNames: ['localhost'],
      validityDays: 1,
      now,
    });
    ca = authority.certificate;
    host = await serveHttps({
      handle: () => Promise.resolve({ status: 200, headers: {}, body: lasting() }),
      tls: { cert: serving.certificate, key: serving.key, clientCa: ca },
      nodeTls: { ca, cert: serving.certificate, key: serving.key },
      host: '127.0.0.1',
      port: 0,
      log: createLogger('test', 'error'),
      idleTimeoutMs: 200,
    });
  });
  afterAll(() => host.close());

  const open = (protocol: string) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connectTls(
        { port: host.port, ca, servername: 'localhost', ALPNProtocols: [protocol] },
        () => resolve(socket),
      );
      socket.once('error', reject);
    });
  const closed = (socket: TLSSocket) =>
    new Promise<void>((resolve) => {
      socket.on('error', () => undefined);
      socket.once('close', () => resolve());
      socket.resume();
    });
  const preface = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  ]);
  const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);

  test.each([
    ['says nothing', undefined],
    ['says that it is one', preface],
    ['pings', Buffer.concat([preface, ping])],
  ])('is closed when it %s over HTTP/2', async (_, first) => {
    const socket = await open('h2');
    const end = closed(socket);
    if (first) socket.write(first);
    const timer = setInterval(() => first && socket.writable && socket.write(ping), 50);
    await end;
    clearInterval(timer);
  });

  test('is none while a request is under way', async () => {
    const session = connectHttp2(`https://localhost:${host.port}`, { ca });
    const stream = session.request({ ':path': '/' });
    stream.resume();
    await new Promise((resolve) => stream.once('response', resolve));
    // One that is opened later is closed first.
    await closed(await open('h2'));
    expect(session.closed).toBe(false);
    answered.abort();
    await new Promise<void>((resolve) => session.once('close', resolve));
    expect(stream.rstCode).toBe(0);
  });
});

describe('a request through the proxy', () => {
  let server: TestServer;
  let backend: Server;
  let session: ClientHttp2Session;
  let release: () => Promise<void>;
  const path = '/api/v1/namespaces/default/pods/web';

  beforeAll(async () => {
    const own = await ownAddress();
    release = own.release;
    server = await startServer();
    backend = createServer((request, response) => {
      // Answers before it has read: the connection is used again all the same.
      response.end(JSON.stringify({ url: request.url, method: request.method }));
    });
    const port = await listen(backend, '0.0.0.0');
    await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    await server.post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'web' },
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port }] }] },
    });
    const status = { phase: 'Running', podIP: own.address, podIPs: [{ ip: own.address }] };
    await server.patch(`${path}/status`, 'application/merge-patch+json', { status });
    const admin = await server.client('admin', 'system:masters');
    session = connectHttp2(`https://localhost:${server.port}`, {
      ca: server.ca.certificate,
      cert: admin.certificate,
      key: admin.key,
    });
  });
  afterAll(async () => {
    session.close();
    await server.close();
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
    await release();
  });

  const ask = (headers: OutgoingHttpHeaders, body: string) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const stream = session.request(headers, { endStream: false });
      let status: number | undefined;
      let text = '';
      stream.once('response', (answer) => (status = answer[':status']));
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.once('error', reject);
      stream.once('close', () => resolve({ status, text }));
      stream.end(body);
    });

  test.each(['GET', 'HEAD', 'POST'])(
    'with a body, by %s, does not swallow the next one of somebody else',
    async (method) => {
      for (let count = 0; count < 3; count++) {
        await ask(
          { ':method': method, ':path': `${path}/proxy/first`, 'content-length': '40' },
          'x'.repeat(40),
        );
        const { status, text } = await server.get(`${path}/proxy/second`);
        expect([status, text]).toEqual([200, JSON.stringify({ url: '/second', method: 'GET' })]);
      }
    },
  );

  test('that names a protocol without an upgrade is no upgrade', async () => {
    const answer = await server.post(`${path}/exec?command=sh`, undefined, {
      headers: { upgrade: 'SPDY/3.1' },
    });
    expect([answer.status, answer.json.message]).toEqual([
      400,
      expect.stringContaining('does not have a host assigned'),
    ]);
  });
});

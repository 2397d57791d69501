import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { systemClock } from '../../../lib/clock.ts';
import { openPki } from '../../../localstack/embedded/pki.ts';
import { listen } from '../../support/listen.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A TLS server on a real socket that answers each request as the test says, byte by byte where it must. */
export async function startWire(handle: Handler) {
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-wire-'));
  const pki = await openPki(dir, systemClock);
  const serving = await pki.certificate('serving', {
    subject: { commonName: 'wire' },
    usages: ['server'],
    ipAddresses: ['127.0.0.1'],
  });
  const client = await pki.certificate('client', { subject: { commonName: 'alice' }, usages: ['client'] });
  const sockets = new Set<TLSSocket>();
  const server = https.createServer(
    {
      cert: serving.certificate,
      key: serving.key,
      ca: pki.ca.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      Promise.resolve(handle(request, response)).catch((error: unknown) => response.destroy(error as Error));
    },
  );
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Connections are broken on purpose here.
    socket.on('error', () => undefined);
  });
  const port = await listen(server);
  return {
    url: `https://127.0.0.1:${port}`,
    ca: pki.ca.certificate,
    client: { cert: client.certificate, key: client.key },
    dir,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    },
  };
}

export type Wire = Awaited<ReturnType<typeof startWire>>;

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function statusBody(code: number, reason: string, message: string, details?: object): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    code,
    reason,
    message,
    details,
  };
}

export function pod(name: string, resourceVersion: number, labels: Record<string, string> = {}) {
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      resourceVersion: String(resourceVersion),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels,
    },
    spec: { containers: [{ name: 'main', image: 'busybox' }] },
  };
}

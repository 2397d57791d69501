import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { type Clock, systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { ApiResponse } from '../http/types.ts';
import { createTokenFile } from './token-file.ts';
import { BrokenConnection, type Transport, type TransportRequest } from './transport.ts';

export interface HttpsTransportOptions {
  /** `https://10.96.0.1:443`; a path in it is a prefix. */
  server: string;
  /** PEM; absent: the system's own. */
  ca?: string | Buffer;
  /** PEM; or who has it now, where it is replaced: connections are made with what he says when a request needs one. */
  clientCertificate?: ClientCertificate | (() => ClientCertificate | undefined);
  /** A bearer token, a file that holds one and is read again when it changes, or who makes one for each request. */
  token?: { value: string } | { file: string } | { provide: () => Promise<string> };
  /** The name in the server's certificate, where it is not the URL's. */
  serverName?: string;
  /** Requests at once, watches not counted; more wait their turn. Default 32. */
  maxConnections?: number;
  clock?: Clock;
}

export interface ClientCertificate {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface HttpsTransport {
  readonly transport: Transport;
  /** Breaks off what is under way and lets go of every connection. */
  close(): void;
}

/**
 * HTTP/1.1 over TLS with kept connections. Watches have connections of their own, so that they never take a place
 * from other requests. A broken connection is found by TCP keep-alive and by the deadlines of the client above.
 */
export function createHttpsTransport(options: HttpsTransportOptions): HttpsTransport {
  const base = new URL(options.server);
  if (base.protocol !== 'https:')
    throw new TypeError(`server: Invalid value: "${options.server}": must be https`);
  const prefix = base.pathname.replace(/\/$/, '');
  const tls = {
    ca: options.ca,
    servername: options.serverName,
    minVersion: 'TLSv1.2' as const,
  };
  const keepAlive = { keepAlive: true, keepAliveMsecs: 15_000, ...tls };
  const requests = new https.Agent({
    ...keepAlive,
    maxSockets: options.maxConnections ?? 32,
    scheduling: 'lifo',
  });
  const watches = new https.Agent({ ...keepAlive, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 4 });
  const token = tokenSource(options);
  const { clientCertificate } = options;
  const certificate = typeof clientCertificate === 'function' ? clientCertificate : () => clientCertificate;

  const transport: Transport = async (request) => {
    request.signal.throwIfAborted();
    const bearer = await token?.();
    return new Promise<ApiResponse>((resolve, reject) => {
      const agent =
        request.query.get('watch') === 'true' || request.query.get('follow') === 'true' ? watches : requests;
      const search = request.query.size > 0 ? `?${request.query.toString()}` : '';
      const outgoing = https.request({
        // Not the agent's: it keeps connections apart by it, and what is under way keeps its own to the end.
        ...certificate(),
        agent,
        host: base.hostname,
        port: base.port || 443,
        method: request.method,
        path: `${prefix}${request.path}${search}`,
        headers: headersOf(request, bearer),
        signal: request.signal,
      });
      outgoing.once('response', (incoming) => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: headersFrom(incoming),
          body: bodyOf(incoming, request.signal),
        });
      });
      outgoing.once('error', (error) => {
        if (request.signal.aborted) return reject(request.signal.reason as Error);
        reject(
          new BrokenConnection(`${request.method} ${base.host}${request.path}: ${messageOf(error)}`, error),
        );
      });
      send(outgoing, request.body);
    });
  };
  return {
    transport,
    close() {
      requests.destroy();
      watches.destroy();
    },
  };
}

function tokenSource(options: HttpsTransportOptions): (() => Promise<string>) | undefined {
  const { token } = options;
  if (token === undefined) return undefined;
  if ('value' in token) return () => Promise.resolve(token.value);
  if ('provide' in token) return token.provide;
  return createTokenFile(token.file, options.clock ?? systemClock);
}

function headersOf(request: TransportRequest, bearer: string | undefined): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(request.headers)) if (value !== undefined) headers[name] = value;
  if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
  if (request.body instanceof Uint8Array) headers['content-length'] = request.body.byteLength;
  return headers;
}

function headersFrom(incoming: IncomingMessage): ApiResponse['headers'] {
  const headers: ApiResponse['headers'] = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = value;
  return headers;
}

/** A stream that breaks before its end says so as a broken connection; leaving the loop early breaks it off. */
async function* bodyOf(
  incoming: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of incoming) yield chunk as Buffer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new BrokenConnection(`the response was cut: ${messageOf(error)}`, error);
  }
}

function send(outgoing: import('node:http').ClientRequest, body: TransportRequest['body']): void {
  if (body === undefined) outgoing.end();
  else if (body instanceof Uint8Array) outgoing.end(body);
  else {
    const write = async () => {
      for await (const chunk of body) {
        if (!outgoing.write(chunk)) await new Promise<void>((resolve) => outgoing.once('drain', resolve));
      }
      outgoing.end();
    };
    write().catch((error: unknown) =>
      outgoing.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

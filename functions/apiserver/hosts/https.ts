import { type EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import type { ApiHandler } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import { answerHttp1 } from './http1.ts';
import { answerHttp2 } from './http2.ts';
import type { Exchanges } from './exchange.ts';
import type { NodeTls } from '../registry/proxy/tunnel.ts';
import { bridgeUpgrade } from './upgrade.ts';

export interface HttpsOptions {
  handle: ApiHandler;
  /** PEM. Client certificates are asked for, not demanded, and believed only when `clientCa` signed them. */
  tls: { cert: string; key: string; clientCa: string };
  /** How upgraded connections (exec, attach, port-forward) go on to a node's server. */
  nodeTls: NodeTls;
  host: string;
  /** 0: one that the system chooses. */
  port: number;
  log: Logger;
  /** How long a connection may have no request before it is closed. Default 90,000, as kube-apiserver's. */
  idleTimeoutMs?: number;
  /** How long requests in flight may take to finish when the server closes. Default 5,000. */
  closeTimeoutMs?: number;
}

export interface HttpsServer {
  port: number;
  /** Shows another certificate to those who connect from now on. */
  useCertificate(pair: CertifiedKey): void;
  close(): Promise<void>;
}

const minVersion = 'TLSv1.2';
const handshakeTimeoutMs = 10_000;
/** A client that takes longer to send a request's head, or a whole request, is cut off. */
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 60_000;
const defaultIdleTimeoutMs = 90_000;
/** Go's HTTP/2 server allows 250; kube-apiserver asks for as many. */
const maxConcurrentStreams = 250;
const maxHeaderBytes = 1024 * 1024;

/** Serves HTTP/1.1 and HTTP/2 on one port. Resolves once it listens; rejects when the port cannot be had. */
export async function serveHttps(options: HttpsOptions): Promise<HttpsServer> {
  const { handle, log, idleTimeoutMs = defaultIdleTimeoutMs } = options;
  const exchanges: Exchanges = new Set();
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const settings: SecureServerOptions & { maxHeaderSize: number } = {
    cert: options.tls.cert,
    key: options.tls.key,
    ca: options.tls.clientCa,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion,
    allowHTTP1: true,
    handshakeTimeout: handshakeTimeoutMs,
    maxHeaderSize: maxHeaderBytes,
    settings: { maxConcurrentStreams },
  };
  const server = createSecureServer(settings);
  Object.assign(server, {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
  });
  server.on('request', (request, response) => {
    answerHttp1(handle, request as never, response as never, exchanges, log);
  });
  // Listening for requests installs a compatibility layer for HTTP/2 as well; streams are answered directly instead.
  server.removeAllListeners('stream');
  // The headers as they came are not in the event's types.
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
    answerHttp2(handle, stream, headers, raw, exchanges, log);
  (server as EventEmitter).on('stream', onStream);
  // Not in the event types of an HTTP/2 server, which emits it all the same for its HTTP/1.1 connections.
  (server as EventEmitter).on('upgrade', (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    bridgeUpgrade(handle, request, socket, head, options.nodeTls, exchanges, log);
  });
  server.on('session', (session) => {
    sessions.add(session);
    closeWhenIdle(session, idleTimeoutMs);
    session.once('close', () => sessions.delete(session));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
  });
  // TLS 1.2 could change who the client is in the middle of a connection; no client of Kubernetes wants to.
  server.on('secureConnection', (socket) => socket.disableRenegotiation());
  server.on('tlsClientError', (error, socket) => {
    log.debug({ err: error, peer: socket.remoteAddress }, 'TLS handshake failed');
    socket.destroy();
  });
  server.on('sessionError', (error) => log.debug({ err: error }, 'HTTP/2 session failed'));
  server.on('clientError', (error: Error, socket: Socket) => {
    log.debug({ err: error }, 'broken request');
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });

  server.listen(options.port, options.host);
  // Rejects by `error`.
  await once(server, 'listening');
  const port = (server.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  return {
    port,
    useCertificate: ({ certificate, key }) =>
      server.setSecureContext({ cert: certificate, key, ca: options.tls.clientCa, minVersion }),
    close: () => {
      closing ??= close(server, { exchanges, sockets, sessions }, options.closeTimeoutMs ?? 5_000);
      return closing;
    },
  };
}

/** Nothing but requests counts: whoever only pings, or says nothing at all, holds no connection for longer. */
function closeWhenIdle(session: ServerHttp2Session, idleTimeoutMs: number): void {
  let open = 0;
  const timer = setTimeout(() => open === 0 && session.close(), idleTimeoutMs);
  session.on('stream', (stream) => {
    open++;
    stream.once('close', () => {
      open--;
      timer.refresh();
    });
  });
  session.once('close', () => clearTimeout(timer));
}

/** No new requests; streams that would go on for ever are ended; what is being answered may finish until the deadline. */
async function close(
  server: Http2SecureServer,
  open: { exchanges: Exchanges; sockets: Set<Socket>; sessions: Set<ServerHttp2Session> },
  timeoutMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const finished = waitForAll(open.exchanges);
  for (const exchange of open.exchanges) exchange.endStream();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([finished, deadline]);
  clearTimeout(timer);
  for (const exchange of open.exchanges) exchange.abort();
  await Promise.all([...open.sessions].map((session) => closeSession(session)));
  for (const socket of open.sockets) socket.destroy();
  await closed;
}

function closeSession(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.destroyed) return resolve();
    const timer = setTimeout(() => session.destroy(), 250);
    session.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    session.close();
  });
}

async function waitForAll(exchanges: Exchanges): Promise<void> {
  await Promise.all([...exchanges].map((exchange) => exchange.finished()));
}

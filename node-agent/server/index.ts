import { type IncomingMessage, STATUS_CODES, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { toStatus } from '../../lib/api/status.ts';
import type { CertifiedKey } from '../../lib/certificates/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { KumulusError } from '../../lib/errors.ts';
import type { UserInfo } from '../../lib/http/types.ts';
import type { Logger } from '../../lib/log.ts';
import type { ProcessStreams } from '../cri/port.ts';
import type { StreamGateway } from '../gateway/index.ts';
import type { PodLookup } from '../pods/lookup.ts';
import type { LocalDirectories } from '../volumes/local-directories.ts';
import { type Listening, listenUntilStopped } from '../listen.ts';
import { accessOf, callerOf, type Callers, type NodeAccess } from './identity.ts';
import { sendLog } from './logs/send.ts';
import { createNodeMetrics, type NodeMetrics } from './metrics.ts';
import { type Route, routeOf } from './route.ts';
import { serveTunnel, tunnelTarget } from './tunnel.ts';
import { serveUpgrade } from './upgrade.ts';

export interface AgentServerOptions {
  listenAddress: string;
  /** 0: any free port. */
  listenPort: number;
  /**
   * PEM. Certificates that `clientCa` has signed get in, and tokens that `userOfToken` knows. Without a certificate of its
   * own every handshake fails, until it is given one.
   */
  tls: { cert?: string | Buffer; key?: string | Buffer; clientCa: string | Buffer };
  userOfToken: Callers['userOfToken'];
  /** Whether the user may do this on this node. Asked for every request but health. */
  authorize(user: UserInfo, access: NodeAccess): Promise<boolean> | boolean;
  lookup: PodLookup;
  runtime: ProcessStreams;
  /** Made and removed for whoever may update and delete on `nodes/proxy`. Absent: there are none. */
  localVolumes?: LocalDirectories;
  /** Serves paths of the Kubernetes API that other nodes pass on; it authenticates and authorizes by itself. */
  gateway?: StreamGateway;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** Default 30 s. */
  pingIntervalMs?: number;
}

export interface AgentServer extends Listening {
  /** For connections from now on; those that are there go on. */
  useCertificate(pair: CertifiedKey): void;
}

/** The node's own API, as kubelet has it: logs, exec, attach, port-forward, pods. Resolves once it listens. */
export async function startAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const { log, signal, tls } = options;
  const metrics = createNodeMetrics();
  const server = createServer({
    cert: tls.cert,
    key: tls.key,
    ca: tls.clientCa,
    requestCert: true,
    // Answered with 401 instead of a broken handshake.
    rejectUnauthorized: false,
    minVersion,
    headersTimeout: 30_000,
  });
  server.on('tlsClientError', (error) => log.debug({ error: error.message }, 'TLS handshake failed'));
  const { gateway } = options;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (gateway?.serves(pathOf(request))) return gateway.request(request, response);
    serveRequest(options, metrics, request, response).catch((error: unknown) => {
      if (!response.headersSent) sendError(response, request, error, log);
      else response.destroy();
    });
  });
  const refuse = (request: IncomingMessage, socket: Duplex, error: unknown) => {
    if (!socket.writable) return;
    const { code, text } = errorText(error, request, log);
    socket.end(
      `HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    );
  };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (gateway?.serves(pathOf(request))) return gateway.upgrade(request, socket, head);
    serveUpgradeRequest(options, request, socket, head).catch((error: unknown) =>
      refuse(request, socket, error),
    );
  });
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    serveConnectRequest(options, request, socket, head).catch((error: unknown) =>
      refuse(request, socket, error),
    );
  });
  const { listenAddress: address, listenPort } = options;
  const { port, stopped } = await listenUntilStopped(server, { address, port: listenPort, log, signal });
  const useCertificate = ({ certificate, key }: CertifiedKey) =>
    server.setSecureContext({ cert: certificate, key, ca: tls.clientCa, minVersion });
  return { port, useCertificate, stopped };
}

const minVersion = 'TLSv1.2';

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

async function serveUpgradeRequest(
  options: AgentServerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', (error) => options.log.debug({ error: error.message }, 'stream failed'));
  const { route, query } = await admit(options, request);
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new Error('the client went away')));
  await serveUpgrade(
    {
      lookup: options.lookup,
      runtime: options.runtime,
      pingIntervalMs: options.pingIntervalMs ?? 30_000,
      signal: AbortSignal.any([options.signal, gone.signal]),
    },
    route,
    request,
    query,
    socket,
    head,
  );
}

/** A connection to one of this node's pods, for whoever may proxy through the node. */
async function serveConnectRequest(
  options: AgentServerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', (error) => options.log.debug({ error: error.message }, 'tunnel failed'));
  await allowed(options, request, accessOf('POST', '/'));
  serveTunnel(tunnelTarget(options.lookup, request.url ?? ''), socket, head);
}

/** A refusal that is not one of the API's own errors. */
class Refused extends Error {
  readonly code: 401 | 403;
  constructor(code: 401 | 403, message: string) {
    super(message);
    this.code = code;
  }
}

/** Who asks, whether they may, and for what. */
async function admit(
  options: AgentServerOptions,
  request: IncomingMessage,
): Promise<{ route: Route; query: URLSearchParams }> {
  const target = request.url ?? '/';
  const [path = '/'] = target.split('?', 1);
  const query = new URLSearchParams(target.slice(path.length + 1));
  await allowed(options, request, accessOf(request.method ?? 'GET', path));
  return { route: routeOf(path), query };
}

/** @throws Refused */
async function allowed(
  { authorize, userOfToken, clock }: AgentServerOptions,
  request: IncomingMessage,
  access: NodeAccess,
): Promise<void> {
  const user = await callerOf(request, { userOfToken, now: () => clock.now() });
  if (!user) throw new Refused(401, 'Unauthorized');
  if (await authorize(user, access)) return;
  const { verb, subresources } = access;
  const asked = `user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`;
  throw new Refused(403, `Forbidden (${asked})\n`);
}

async function serveRequest(
  options: AgentServerOptions,
  metrics: NodeMetrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { route, query } = await admit(options, request);
  const { lookup } = options;
  switch (route.to) {
    case 'healthz':
      return send(response, 'text/plain; charset=utf-8', 'ok');
    case 'pods':
      return send(
        response,
        'application/json',
        JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: lookup.pods() }),
      );
    case 'metrics': {
      const { contentType, text } = await metrics.collect(lookup.pods());
      return send(response, contentType, text);
    }
    case 'localVolumes':
      return await serveLocalVolume(options, route.volume, request, response);
    case 'containerLogs':
      return await sendLog(options, route.ref, query, response);
    case 'exec':
    case 'attach':
    case 'portForward':
      return sendText(response, 400, 'Upgrade request required\n');
  }
}

/** `PUT` makes a directory and answers with its path, `DELETE` removes it. */
async function serveLocalVolume(
  { localVolumes }: AgentServerOptions,
  volume: string,
  { method = 'GET' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!localVolumes) throw new KumulusError('NotFound', 'this node keeps no local volumes');
  switch (method) {
    case 'PUT':
      return send(response, 'application/json', JSON.stringify({ path: await localVolumes.create(volume) }));
    case 'DELETE':
      await localVolumes.remove(volume);
      return send(response, 'application/json', '{}');
    default:
      throw new KumulusError('MethodNotAllowed', `${method} is not supported on a local volume`);
  }
}

function send(response: ServerResponse, contentType: string, text: string): void {
  response.writeHead(200, { 'content-type': contentType }).end(text);
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

function sendError(response: ServerResponse, request: IncomingMessage, error: unknown, log: Logger): void {
  const { code, text } = errorText(error, request, log);
  sendText(response, code, text);
}

/** kubelet answers errors as plain text; the API server makes a Status of it. */
function errorText(error: unknown, request: IncomingMessage, log: Logger): { code: number; text: string } {
  if (error instanceof Refused) return { code: error.code, text: error.message };
  const { code, status } = toStatus(error);
  if (code >= 500) log.warn({ err: error, path: request.url?.split('?', 1)[0] }, 'a request failed');
  return { code, text: `${status.message ?? 'unknown error'}\n` };
}

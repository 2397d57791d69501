import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest } from 'node:https';
import { type Duplex, pipeline } from 'node:stream';
import { messageOf } from '../../lib/errors.ts';
import { ensureAddresses } from '../dns/interface.ts';
import type { StreamGateway } from '../gateway/index.ts';
import { type Listening, type ListenOptions, listenUntilStopped } from '../listen.ts';
import type { ProxyIdentity } from './authority.ts';

/** The address is the endpoint of the Service `kubernetes`: the node makes it its own. */
export interface ApiProxyOptions extends ListenOptions {
  identity: ProxyIdentity;
  /** The API server's URL, and by whose authority; absent: the system's. */
  server: string;
  ca?: string | Buffer;
  /** What the API server cannot carry. */
  gateway: StreamGateway;
}

/** Of one connection alone (RFC 9110 section 7.6.1), or of the name that was called. */
const notPassedOn = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The API server for the pods of this node: requests go on to the endpoint as they come, with the pod's own token and
 * nothing of the node's, and streams go through the gateway. Resolves once it listens.
 */
export async function startApiProxy(options: ApiProxyOptions): Promise<Listening> {
  const { address, identity, gateway, log } = options;
  const base = new URL(options.server);
  const prefix = base.pathname.replace(/\/$/, '');
  const agent = new Agent({ keepAlive: true, ca: options.ca, minVersion: 'TLSv1.2' });

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const outgoing = httpsRequest({
      agent,
      host: base.hostname,
      port: base.port || 443,
      method: request.method,
      path: `${prefix}${request.url}`,
      headers: passedOn(request.rawHeaders),
    });
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, passedOn(answer.rawHeaders));
      // Watchers wait for the first event, and must know before that they are being served.
      response.flushHeaders();
      pipeline(answer, response, () => undefined);
    });
    outgoing.once('error', (error) => {
      if (response.headersSent) return response.destroy();
      log.warn({ err: messageOf(error) }, 'the API server could not be reached for a pod');
      const message = 'the API server could not be reached from this node';
      const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message };
      response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' });
      response.end(JSON.stringify({ ...status, reason: 'ServiceUnavailable', code: 503 }));
    });
    response.once('close', () => outgoing.destroy());
    pipeline(request, outgoing, () => undefined);
  }

  const server = createServer(
    {
      cert: identity.serving.certificate,
      key: identity.serving.key,
      minVersion: 'TLSv1.2',
      headersTimeout: 30_000,
    },
    (request, response) => {
      const [path = '/'] = (request.url ?? '/').split('?', 1);
      if (gateway.serves(path)) gateway.request(request, response);
      else forward(request, response);
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    gateway.upgrade(request, socket, head),
  );
  await ensureAddresses([address]);
  const { port, stopped } = await listenUntilStopped(server, options);
  return { port, stopped: stopped.finally(() => agent.destroy()) };
}

function passedOn(raw: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = raw[at + 1] ?? '';
    if (notPassedOn.has(name)) continue;
    const held = headers[name];
    headers[name] = held === undefined ? value : [held, value].flat();
  }
  return headers;
}

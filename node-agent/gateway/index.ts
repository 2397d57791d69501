/**
 * The stream gateway: what needs a connection in both directions (exec, attach, port-forward, logs) reaches a node here, by
 * the paths of the Kubernetes API, where API Gateway carries no upgrades. Every node can be asked for the pods of all:
 * who asks is looked up with the API server, and the node that has the pod does so again.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Pod } from '../../lib/api/gen/types.ts';
import { containerOf } from '../../lib/api/pod-container.ts';
import { toStatus } from '../../lib/api/status.ts';
import type { HttpsTransport } from '../../lib/client/https.ts';
import { createKubeClient } from '../../lib/client/kube-client.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { pods } from '../../lib/client/resources.ts';
import type { Clock } from '../../lib/clock.ts';
import { KumulusError } from '../../lib/errors.ts';
import type { UserInfo } from '../../lib/http/types.ts';
import type { Logger } from '../../lib/log.ts';
import type { ProcessStreams } from '../cri/port.ts';
import type { PodLookup } from '../pods/lookup.ts';
import { sendLog } from '../server/logs/send.ts';
import type { Route } from '../server/route.ts';
import { serveUpgrade } from '../server/upgrade.ts';
import { checkAccess } from './access.ts';
import { type Peer, passedOnHeader, passOn, passOnUpgrade } from './peer.ts';
import { type StreamTarget, streamTarget } from './target.ts';

export interface GatewayOptions {
  nodeIp: string;
  /** Where the gateways of other nodes are asked over TLS, and by whose authority. */
  peers: Omit<Peer, 'host'>;
  /** As the node: reviews of tokens and of access. */
  client: KubeClient;
  userOfToken(token: string): Promise<UserInfo | undefined>;
  /** To the API server, as whoever's token is given. */
  connectAs(token: string): HttpsTransport;
  lookup: PodLookup;
  runtime: ProcessStreams;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** Default 30 s: CloudFront ends connections on which nothing happens after ten minutes. */
  pingIntervalMs?: number;
}

export interface StreamGateway {
  /** Whether a path is the gateway's. */
  serves(path: string): boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** What was allowed: where the stream is, and what it is there. */
type Allowed = { at: 'here'; route: Route; query: URLSearchParams } | { at: Peer };

export function createStreamGateway(options: GatewayOptions): StreamGateway {
  const { nodeIp, client, userOfToken, connectAs, lookup, runtime, clock, log } = options;

  async function allow(request: IncomingMessage): Promise<Allowed> {
    const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
    const target = streamTarget(path);
    if (!target) throw new KumulusError('NotFound', 'the server could not find the requested resource');
    if (request.headers['impersonate-user'])
      throw new KumulusError(
        'BadRequest',
        'streams through the gateway are not served to impersonated users',
      );
    const token = bearerOf(request);
    const user = token ? await userOfToken(token) : undefined;
    if (!token || !user) throw new KumulusError('Unauthorized', 'Unauthorized');
    await checkAccess(client, user, target, request.method ?? 'GET');
    const pod = await podAs(token, target);
    const hostIp = pod.status?.hostIP;
    if (!pod.spec.nodeName || !hostIp)
      throw new KumulusError('BadRequest', `pod ${target.pod} does not have a host assigned`);
    if (hostIp !== nodeIp) {
      if (request.headers[passedOnHeader])
        throw new KumulusError('NotFound', `pod ${target.pod} is on none of the nodes that were asked`);
      return { at: { ...options.peers, host: hostIp } };
    }
    const query = new URLSearchParams(search);
    return { at: 'here', route: routeTo(target, pod, query), query };
  }

  /** Read as the one who asks: the node itself may not see the pods of others. */
  async function podAs(token: string, { namespace, pod }: StreamTarget): Promise<Pod> {
    const https = connectAs(token);
    try {
      const asUser = createKubeClient(https.transport, { clock, requestTimeoutMs: 15_000, maxRetries: 1 });
      return await asUser.get(pods, { namespace, name: pod });
    } finally {
      https.close();
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const allowed = await allow(request);
    if (allowed.at !== 'here') return passOn(allowed.at, request, response);
    const { route, query } = allowed;
    if (route.to !== 'containerLogs') throw new KumulusError('BadRequest', 'Upgrade request required');
    await sendLog(options, route.ref, query, response);
  }

  async function serveStreams(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', (error) => log.debug({ error: error.message }, 'stream failed'));
    const allowed = await allow(request);
    if (allowed.at !== 'here') return passOnUpgrade(allowed.at, request, socket, head);
    const gone = new AbortController();
    socket.once('close', () => gone.abort(new Error('the client went away')));
    const signal = AbortSignal.any([options.signal, gone.signal]);
    const context = { lookup, runtime, pingIntervalMs: options.pingIntervalMs ?? 30_000, signal };
    await serveUpgrade(context, allowed.route, request, allowed.query, socket, head);
  }

  return {
    serves: (path) => streamTarget(path) !== undefined,
    request(request, response) {
      serve(request, response).catch((error: unknown) => {
        if (response.headersSent) return response.destroy();
        const { code, body } = refusal(error, log);
        response.writeHead(code, { 'content-type': 'application/json' }).end(body);
      });
    },
    upgrade(request, socket, head) {
      serveStreams(request, socket, head).catch((error: unknown) => {
        if (!socket.writable) return;
        const { code, body } = refusal(error, log);
        socket.end(
          `HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        );
      });
    },
  };
}

function refusal(error: unknown, log: Logger): { code: number; body: string } {
  const { code, status } = toStatus(error);
  if (code >= 500) log.warn({ err: error }, 'a stream could not be served');
  return { code, body: JSON.stringify(status) };
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  const [scheme, token] = (headers.authorization ?? '').trim().split(/\s+/, 2);
  return scheme?.toLowerCase() === 'bearer' ? token : undefined;
}

/** The same in the words of the node's own API. */
function routeTo({ namespace, subresource }: StreamTarget, pod: Pod, query: URLSearchParams): Route {
  const { name: podName = '', uid: podUid } = pod.metadata;
  const place = { namespace, pod: podName, podUid };
  if (subresource === 'portforward') return { to: 'portForward', ref: place };
  const ref = { ...place, container: containerOf(pod, query.get('container')) };
  return { to: subresource === 'log' ? 'containerLogs' : subresource, ref };
}

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { KumulusError } from '../../lib/errors.ts';
import type { StreamOptions } from '../cri/types.ts';
import type { ProcessStreams } from '../cri/port.ts';
import type { PodLookup } from '../pods/lookup.ts';
import type { Route } from './route.ts';
import { connectSpdy } from './spdy/connection.ts';
import { dialRuntime } from './spdy/dial.ts';
import { channelsOver, remoteCommandProtocols } from './streams/channels.ts';
import { parseStreamOptions } from './streams/options.ts';
import {
  joinPortForward,
  parsePorts,
  portForwardChannelProtocols,
  portForwardProtocol,
  tunnelProtocol,
} from './streams/port-forward.ts';
import { joinRemoteCommand, runtimeProtocol } from './streams/remote-command.ts';
import { spliceUpgrade, tunnelThrough } from './streams/tunnel.ts';

export interface UpgradeContext {
  lookup: PodLookup;
  runtime: ProcessStreams;
  /** Clients that say nothing are asked for a sign of life this often. */
  pingIntervalMs: number;
  signal: AbortSignal;
}

/** Larger messages end the connection: kubectl's are 32 KiB and its tunnel's frames 1 MiB at most. */
const maxPayload = 4 << 20;
const protocolOf = new WeakMap<IncomingMessage, string>();
const webSockets = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false });
webSockets.on('headers', (headers, request) => {
  const protocol = protocolOf.get(request);
  if (protocol) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
});

/** Serves an upgrade of an allowed request until its streams have ended. Throws a KumulusError before the answer is written. */
export async function serveUpgrade(
  context: UpgradeContext,
  route: Route,
  request: IncomingMessage,
  query: URLSearchParams,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const kind = request.headers.upgrade?.toLowerCase();
  if (route.to !== 'exec' && route.to !== 'attach' && route.to !== 'portForward') {
    throw new KumulusError('BadRequest', 'this path has no streams');
  }
  if (kind === 'spdy/3.1') return await serveSpdy(context, route, request, query, socket, head);
  if (kind !== 'websocket') throw new KumulusError('BadRequest', 'Upgrade request required');
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (route.to === 'portForward') {
    return await serveWebSocketPortForward(context, route, offered, request, query, socket, head);
  }
  const protocol = choose(offered, remoteCommandProtocols);
  const { options, url } = await remoteCommand(context, route, query);
  const upgraded = await dialRuntime(url, [runtimeProtocol], context.signal);
  const runtime = connectSpdy(upgraded.socket, upgraded.head);
  try {
    const client = await accept(request, socket, head, protocol);
    await keptAlive(client, context.pingIntervalMs, () =>
      joinRemoteCommand(channelsOver(client, protocol), runtime, options, protocol),
    );
  } finally {
    runtime.close();
  }
}

type StreamRoute = Extract<Route, { to: 'exec' | 'attach' | 'portForward' }>;

/** SPDY all the way: the runtime's server and the client understand each other. */
async function serveSpdy(
  context: UpgradeContext,
  route: StreamRoute,
  request: IncomingMessage,
  query: URLSearchParams,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const url =
    route.to === 'portForward'
      ? await portForwardUrl(context, route, [])
      : (await remoteCommand(context, route, query)).url;
  const offered = request.headersDistinct['x-stream-protocol-version'] ?? [];
  const upgraded = await dialRuntime(
    url,
    offered.flatMap((value) => value.split(',').map((name) => name.trim())),
    context.signal,
  );
  await spliceUpgrade(socket, head, upgraded);
}

async function serveWebSocketPortForward(
  context: UpgradeContext,
  route: Extract<Route, { to: 'portForward' }>,
  offered: readonly string[],
  request: IncomingMessage,
  query: URLSearchParams,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const protocol = choose(offered, [tunnelProtocol, ...portForwardChannelProtocols]);
  const ports = protocol === tunnelProtocol ? [] : parsePorts(query);
  const url = await portForwardUrl(context, route, ports);
  const upgraded = await dialRuntime(url, [portForwardProtocol], context.signal);
  const client = await accept(request, socket, head, protocol);
  await keptAlive(client, context.pingIntervalMs, () =>
    protocol === tunnelProtocol
      ? tunnelThrough(client, upgraded)
      : joinPortForward(channelsOver(client, protocol), connectSpdy(upgraded.socket, upgraded.head), ports),
  );
  upgraded.socket.destroy();
}

async function remoteCommand(
  { lookup, runtime }: UpgradeContext,
  route: Extract<Route, { to: 'exec' | 'attach' }>,
  query: URLSearchParams,
): Promise<{ options: StreamOptions; url: string }> {
  const requested = parseStreamOptions(query);
  const container = await lookup.runningContainer(route.ref);
  if (route.to === 'exec') {
    const command = query.getAll('command');
    return { options: requested, url: await runtime.exec(container.containerId, command, requested) };
  }
  // Attach joins what runs already: it has a terminal or not.
  const options = { ...requested, tty: container.tty, stderr: requested.stderr && !container.tty };
  return { options, url: await runtime.attach(container.containerId, options) };
}

async function portForwardUrl(
  { lookup, runtime }: UpgradeContext,
  route: Extract<Route, { to: 'portForward' }>,
  ports: number[],
): Promise<string> {
  const { sandboxId } = await lookup.readySandbox(route.ref);
  return await runtime.portForward(sandboxId, ports);
}

/** The first that the client offers and the server knows. None offered is the first protocol that there was. */
function choose(offered: readonly string[], known: readonly string[]): string {
  const named = offered.filter((name) => name !== '');
  if (named.length === 0 && known.includes('channel.k8s.io')) return '';
  const chosen = named.find((name) => known.includes(name));
  if (chosen === undefined) {
    throw new KumulusError(
      'BadRequest',
      `unable to upgrade: none of the requested protocols is supported: ${named.join(', ')}`,
    );
  }
  return chosen;
}

function accept(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Promise<WebSocket> {
  // The tunnel's name has a slash, which the library takes for a broken header: it does not see names at all.
  protocolOf.set(request, protocol);
  delete request.headers['sec-websocket-protocol'];
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the client went away')));
    webSockets.handleUpgrade(request, socket, head, resolve);
  });
}

/** A client that vanished without a word is noticed: it answers no ping. */
async function keptAlive(client: WebSocket, intervalMs: number, serve: () => Promise<void>): Promise<void> {
  let alive = true;
  client.on('pong', () => {
    alive = true;
  });
  client.on('message', () => {
    alive = true;
  });
  const timer = setInterval(() => {
    if (!alive && !client.isPaused) return client.terminate();
    alive = false;
    client.ping();
  }, intervalMs);
  try {
    await serve();
  } finally {
    clearInterval(timer);
  }
}

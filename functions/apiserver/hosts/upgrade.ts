import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { passedOn } from '../../../lib/api/status.ts';
import { dialFailure } from '../registry/proxy/dial-failure.ts';
import { splice } from '../../../lib/http/splice.ts';
import type { ApiHandler, ApiResponse, UpgradeTarget } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import { errorResponse } from '../pipeline/respond.ts';
import { type NodeTls, openTunnel } from '../registry/proxy/tunnel.ts';
import { Exchange, type Exchanges, readHeaders, peerOf, splitTarget } from './exchange.ts';

const dialTimeoutMs = 10_000;

/** Asks the pipeline; where it allows the upgrade, joins the client's connection and the node's byte by byte. */
export function bridgeUpgrade(
  handle: ApiHandler,
  request: IncomingMessage,
  socket: TLSSocket,
  head: Buffer,
  nodeTls: NodeTls,
  exchanges: Exchanges,
  log: Logger,
): void {
  const exchange = new Exchange(exchanges);
  exchange.streaming();
  socket.once('close', () => exchange.abort());
  socket.on('error', (error) => log.debug({ err: error }, 'upgraded connection failed'));
  exchange.signal.addEventListener('abort', () => socket.destroy(), { once: true });
  bridge(handle, request, socket, head, nodeTls, exchange.signal)
    .catch((error: unknown) => {
      log.warn({ err: error, path: request.url?.split('?', 1)[0] }, 'upgrade failed');
      if (socket.writable) void writeAnswer(socket, errorResponse(error));
    })
    .finally(() => exchange.finish());
}

async function bridge(
  handle: ApiHandler,
  request: IncomingMessage,
  socket: TLSSocket,
  head: Buffer,
  nodeTls: NodeTls,
  signal: AbortSignal,
): Promise<void> {
  const answer = await handle({
    method: request.method ?? 'GET',
    ...splitTarget(request.url ?? '/'),
    ...readHeaders(request.headers, request.rawHeaders),
    body: undefined,
    peer: peerOf(socket),
    signal,
  });
  if (!answer.upgrade) return writeAnswer(socket, answer);
  const { host } = new URL(answer.upgrade.url);
  const node = await dial(answer.upgrade, nodeTls, signal).catch((error: Error) => {
    throw passedOn(`error dialing backend: ${dialFailure(error, host)}`, error);
  });
  node.write(requestHead(request.method ?? 'GET', answer.upgrade));
  if (head.byteLength > 0) node.write(head);
  socket.setTimeout(0);
  node.setNoDelay(true);
  await splice(socket, node);
}

async function dial(target: UpgradeTarget, tls: NodeTls, signal: AbortSignal): Promise<Socket> {
  const url = new URL(target.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isPlain = url.protocol === 'http:';
  const port = Number(url.port || (isPlain ? 80 : 443));
  const { through } = target;
  const to = `${url.hostname}:${port}`;
  const tunnel = through && (await openTunnel({ through, to, tls, signal, timeoutMs: dialTimeoutMs }));
  if (tunnel && isPlain) return tunnel;
  return await new Promise((resolve, reject) => {
    const node = isPlain
      ? connectPlain({ host, port })
      : connect({
          ...(tunnel ? { socket: tunnel } : { host, port }),
          ...(target.trusts === 'anyone' ? { rejectUnauthorized: false } : tls),
          ...(isIP(host) ? {} : { servername: host }),
          ALPNProtocols: ['http/1.1'],
        });
    const timer = setTimeout(
      () => node.destroy(new Error(`dial tcp ${url.host}: i/o timeout`)),
      dialTimeoutMs,
    );
    const onAbort = () => node.destroy(new Error('the client went away'));
    signal.addEventListener('abort', onAbort, { once: true });
    node.once(isPlain ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      node.removeListener('error', reject);
      resolve(node);
    });
    node.once('error', reject);
    node.once('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  });
}

function requestHead(method: string, target: UpgradeTarget): string {
  const url = new URL(target.url);
  const lines = Object.entries({ host: url.host, ...target.headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** A refusal, written by hand: an upgrade request has no response object. */
async function writeAnswer(socket: TLSSocket, answer: ApiResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  if (answer.body instanceof Uint8Array) chunks.push(answer.body);
  else if (answer.body) for await (const chunk of answer.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const headers = { ...answer.headers, 'content-length': String(body.byteLength), connection: 'close' };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}`),
  );
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n`,
      ),
      body,
    ]),
  );
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ApiHandler } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import { Exchange, type Exchanges, readHeaders, peerOf, splitTarget, writeAll } from './exchange.ts';
import { readChunks } from './chunks.ts';

/** How long what nobody reads may go on arriving. */
const drainTimeoutMs = 2_000;

export function answerHttp1(
  handle: ApiHandler,
  request: IncomingMessage,
  response: ServerResponse,
  exchanges: Exchanges,
  log: Logger,
): void {
  const exchange = new Exchange(exchanges);
  response.once('close', () => exchange.abort());
  respond(handle, request, response, exchange)
    .catch((error: unknown) => {
      log.warn({ err: error, path: request.url?.split('?', 1)[0] }, 'answer broke off');
      response.destroy();
    })
    .finally(() => exchange.finish());
}

async function respond(
  handle: ApiHandler,
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
): Promise<void> {
  const hasBody =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  // Most bodies come in one piece with their head: after this step they are there, their end not always.
  if (hasBody) await Promise.resolve();
  const whole = hasBody ? wholeBody(request) : undefined;
  const answer = await handle({
    method: request.method ?? 'GET',
    ...splitTarget(request.url ?? '/'),
    ...readHeaders(request.headers, request.rawHeaders),
    body: hasBody ? (whole ?? readChunks(request)) : undefined,
    peer: peerOf(request.socket as TLSSocket),
    get signal() {
      return exchange.signal;
    },
  });
  if (response.destroyed) return;
  // A body that nobody read would be taken for the next request.
  const isUnread = hasBody && !whole && !request.complete;
  if (isUnread) response.shouldKeepAlive = false;
  response.writeHead(answer.status, answer.headers);
  if (answer.body === undefined || request.method === 'HEAD') {
    response.end();
  } else if (answer.body instanceof Uint8Array) {
    if (!isUnread) {
      response.end(answer.body);
      return;
    }
    response.write(answer.body);
    await drain(request);
    response.end();
  } else {
    if (!answer.isDocument) exchange.streaming();
    response.flushHeaders();
    await writeAll(answer.body, response);
    response.end();
  }
}

/** The body where all of it has arrived, which spares the work of waiting for it. */
function wholeBody(request: IncomingMessage): Uint8Array | undefined {
  const { readableLength } = request;
  const isWhole = request.complete || readableLength === Number(request.headers['content-length']);
  return isWhole && readableLength > 0 ? (request.read() as Uint8Array) : undefined;
}

/** A client that is still sending would lose the answer if the connection were cut under it. */
function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(settle, drainTimeoutMs);
    request.once('end', settle);
    request.once('close', settle);
    request.resume();
  });
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ApiHandler } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import { type Exchanges, joinHeaders, openExchange, peerOf, splitTarget, writeAll } from './exchange.ts';

export function answerHttp1(
  handle: ApiHandler,
  request: IncomingMessage,
  response: ServerResponse,
  exchanges: Exchanges,
  log: Logger,
): void {
  const exchange = openExchange(exchanges);
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
  exchange: ReturnType<typeof openExchange>,
): Promise<void> {
  const hasBody =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  const answer = await handle({
    method: request.method ?? 'GET',
    ...splitTarget(request.url ?? '/'),
    headers: joinHeaders(request.headers),
    body: hasBody ? request : undefined,
    peer: peerOf(request.socket as TLSSocket),
    signal: exchange.signal,
  });
  if (response.destroyed) return;
  // A body that nobody read would be taken for the next request.
  if (hasBody && !request.complete) response.shouldKeepAlive = false;
  response.writeHead(answer.status, answer.headers);
  if (answer.body === undefined || request.method === 'HEAD') {
    response.end();
  } else if (answer.body instanceof Uint8Array) {
    response.end(answer.body);
  } else {
    exchange.streaming();
    response.flushHeaders();
    await writeAll(answer.body, response);
    response.end();
  }
}

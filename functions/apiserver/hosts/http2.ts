import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ApiHandler } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import { readChunks } from './chunks.ts';
import { Exchange, type Exchanges, peerOf, readHeaders, splitTarget, writeAll } from './exchange.ts';

export function answerHttp2(
  handle: ApiHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  exchanges: Exchanges,
  log: Logger,
): void {
  const exchange = new Exchange(exchanges);
  stream.once('close', () => exchange.abort());
  stream.on('error', (error) => log.debug({ err: error }, 'HTTP/2 stream failed'));
  respond(handle, stream, headers, raw, exchange)
    .catch((error: unknown) => {
      log.warn({ err: error, path: headers[':path']?.split('?', 1)[0] }, 'answer broke off');
      if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    })
    .finally(() => exchange.finish());
}

async function respond(
  handle: ApiHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  exchange: Exchange,
): Promise<void> {
  const method = headers[':method'] ?? 'GET';
  const answer = await handle({
    method,
    ...splitTarget(headers[':path'] ?? '/'),
    ...readHeaders(headers, raw),
    body: stream.readableEnded || method === 'GET' || method === 'HEAD' ? undefined : readChunks(stream),
    peer: peerOf(stream.session?.socket as TLSSocket),
    get signal() {
      return exchange.signal;
    },
  });
  if (stream.destroyed) return;
  stream.respond(
    { ':status': answer.status, ...answer.headers },
    { endStream: answer.body === undefined || method === 'HEAD' },
  );
  if (answer.body === undefined || method === 'HEAD') return;
  if (answer.body instanceof Uint8Array) {
    stream.end(answer.body, () => {
      // What is still on its way of a body that nobody read is not wanted any more (RFC 9113, 8.1).
      if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  } else {
    if (!answer.isDocument) exchange.streaming();
    await writeAll(answer.body, stream);
    stream.end();
  }
}

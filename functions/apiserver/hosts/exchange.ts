import type { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ApiRequest, Peer } from '../../../lib/http/types.ts';

/** One request under way, as the server sees it that has to close. */
export interface Exchange {
  /** Tells a streamed answer to end, as if its client had gone away: what it has sent stays good. */
  endStream(): void;
  abort(): void;
  done: Promise<void>;
}

export type Exchanges = Set<Exchange>;

/** Registers an exchange until `finish` is called. */
export function openExchange(exchanges: Exchanges): {
  signal: AbortSignal;
  /** The client went away, or the server cannot wait any longer. */
  abort(): void;
  /** From now on the answer is a stream that may be ended at will. */
  streaming(): void;
  finish(): void;
} {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let isStreaming = false;
  let ending = false;
  const abort = () => {
    if (!controller.signal.aborted) controller.abort(new Error('the connection was closed'));
  };
  const exchange: Exchange = {
    endStream() {
      ending = true;
      if (isStreaming) abort();
    },
    abort,
    done: promise,
  };
  exchanges.add(exchange);
  return {
    signal: controller.signal,
    abort,
    streaming() {
      isStreaming = true;
      if (ending) abort();
    },
    finish() {
      exchanges.delete(exchange);
      resolve();
    },
  };
}

export function peerOf(socket: TLSSocket): Peer {
  const address = socket.remoteAddress ?? '';
  if (!socket.authorized) return { via: 'tls', address };
  // The same object for a connection's life, so that it can be told apart cheaply.
  const certificate = socket.getPeerX509Certificate()?.raw;
  return { via: 'tls', address, ...(certificate && { clientCertificate: certificate }) };
}

export function splitTarget(target: string): Pick<ApiRequest, 'path' | 'query'> {
  const at = target.indexOf('?');
  if (at < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

export function joinHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> {
  const joined: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':')) joined[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return joined;
}

/** Writes chunk by chunk at the speed of the reader; stops when the sink is gone. */
export async function writeAll(body: AsyncIterable<Uint8Array>, sink: Writable): Promise<void> {
  for await (const chunk of body) {
    if (sink.destroyed) return;
    if (chunk.byteLength > 0 && !sink.write(chunk)) await drained(sink);
  }
}

function drained(sink: Writable): Promise<void> {
  if (sink.destroyed || !sink.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => {
      sink.removeListener('drain', settle);
      sink.removeListener('close', settle);
      resolve();
    };
    sink.once('drain', settle);
    sink.once('close', settle);
  });
}

import type { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ApiRequest, Peer } from '../../../lib/http/types.ts';

export type Exchanges = Set<Exchange>;

/**
 * One request under way. What only few requests need (a signal, somebody who waits for the end) is made when it is asked
 * for.
 */
export class Exchange {
  readonly #exchanges: Exchanges;
  #controller: AbortController | undefined;
  #isStreaming = false;
  #isEnding = false;
  #isAborted = false;
  #isFinished = false;
  #onFinished: (() => void) | undefined;

  constructor(exchanges: Exchanges) {
    this.#exchanges = exchanges;
    exchanges.add(this);
  }

  /** Aborts when the client went away, or when the server cannot wait any longer. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(closedError());
    }
    return this.#controller.signal;
  }

  /** Nobody waits for the answer any more. After the end it means nothing. */
  abort(): void {
    if (this.#isAborted || this.#isFinished) return;
    this.#isAborted = true;
    this.#controller?.abort(closedError());
  }

  /** From now on the answer is a stream that may be ended at will. */
  streaming(): void {
    this.#isStreaming = true;
    if (this.#isEnding) this.abort();
  }

  /** Tells a streamed answer to end, as if its client had gone away: what it has sent stays good. */
  endStream(): void {
    this.#isEnding = true;
    if (this.#isStreaming) this.abort();
  }

  finish(): void {
    this.#isFinished = true;
    this.#exchanges.delete(this);
    this.#onFinished?.();
  }

  /** To be called once at most. */
  finished(): Promise<void> {
    if (this.#isFinished) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onFinished = resolve;
    });
  }
}

function closedError(): Error {
  return new Error('the connection was closed');
}

const peers = new WeakMap<object, Peer>();

/** Who is at the other end of a connection: read once, as it stays the same one (`disableRenegotiation`). */
export function peerOf(socket: TLSSocket): Peer {
  let peer = peers.get(socket);
  if (!peer) {
    const address = socket.remoteAddress ?? '';
    const certificate = socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined;
    peer = { via: 'tls', address, ...(certificate && { clientCertificate: certificate }) };
    peers.set(socket, peer);
  }
  return peer;
}

export function splitTarget(target: string): Pick<ApiRequest, 'path' | 'query'> {
  const at = target.indexOf('?');
  if (at < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

/** @param raw Names and values in turn, as they came (`rawHeaders`). */
export function readHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  raw: readonly string[],
): Pick<ApiRequest, 'headers' | 'headerLists'> {
  const joined: Record<string, string | undefined> = {};
  let hasLists = false;
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith(':')) joined[name] = Array.isArray(value) ? value.join(', ') : value;
    hasLists ||= isListed(name);
  }
  return hasLists ? { headers: joined, headerLists: listsOf(raw) } : { headers: joined };
}

/** Headers of which each value counts by itself. */
export function isListed(name: string): boolean {
  return name.startsWith('impersonate-');
}

function listsOf(raw: readonly string[]): Record<string, string[]> {
  const lists = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (!isListed(name)) continue;
    const list = lists.get(name);
    if (list) list.push(raw[at + 1] ?? '');
    else lists.set(name, [raw[at + 1] ?? '']);
  }
  return Object.fromEntries(lists);
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

import type { Duplex } from 'node:stream';
import {
  encodeData,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynStream,
  type Frame,
  FrameParser,
} from './frames.ts';
import { createHeaderCodec } from './headers.ts';

/** One stream of a SPDY connection that this end opened. */
export interface SpdyStream {
  readonly id: number;
  /** Resolves when the bytes are handed on to the connection and it takes more. Rejects once the stream or connection is closed. */
  write(data: Uint8Array): Promise<void>;
  /** Half-close: the other end reads to the end, and may go on sending. */
  end(): void;
  reset(): void;
  /**
   * What the other end sends, until it half-closes or resets the stream: runtimes reset every stream when they are done,
   * after the last byte. Throws when the connection breaks.
   */
  readonly incoming: AsyncIterable<Buffer>;
}

export interface SpdyConnection {
  /** Opens a stream and waits for the other end's reply. */
  open(headers: Record<string, string>): Promise<SpdyStream>;
  close(): void;
  /** Resolves once the connection is closed, with what broke it, if anything did. */
  readonly closed: Promise<Error | undefined>;
}

/** How many bytes a stream holds for a reader that is slow before the whole connection waits for it. */
const streamBufferBytes = 256 << 10;
const cancelStatus = 5;
/** Longer writes are cut, so that streams share the connection. */
const maxDataBytes = 32 << 10;

/**
 * The client end of SPDY/3.1 over a connection that was upgraded already. Flow control is the connection's own: the
 * servers that speak this protocol (container runtimes, by moby/spdystream) send no WINDOW_UPDATE and heed none, so
 * that waiting for one would wait forever.
 */
export function connectSpdy(socket: Duplex, head: Buffer): SpdyConnection {
  const codec = createHeaderCodec();
  const streams = new Map<number, StreamState>();
  const closed = Promise.withResolvers<Error | undefined>();
  let isClosed = false;
  let nextId = 1;

  const shutDown = (error?: Error) => {
    if (isClosed) return;
    isClosed = true;
    for (const stream of streams.values()) stream.fail(error ?? new Error('the connection is closed'));
    streams.clear();
    codec.close();
    socket.destroy();
    closed.resolve(error);
  };
  const send = async (frame: Buffer): Promise<void> => {
    if (isClosed) throw new Error('the connection is closed');
    if (socket.write(frame)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.once('drain', done).once('close', done);
    });
  };
  /** For frames that nobody waits for: where one cannot be sent, the connection ends, which every stream is told. */
  const post = (frame: Buffer) => void send(frame).catch(() => undefined);

  const handle = async (frame: Frame): Promise<void> => {
    switch (frame.type) {
      case 'data': {
        const stream = streams.get(frame.streamId);
        if (!stream) return;
        if (frame.data.length) await stream.push(frame.data);
        if (frame.fin) stream.finish();
        return;
      }
      case 'synReply':
      case 'headers': {
        await codec.decode(frame.headerBlock);
        const stream = streams.get(frame.streamId);
        stream?.opened.resolve();
        if (frame.fin) stream?.finish();
        return;
      }
      case 'synStream':
        await codec.decode(frame.headerBlock);
        post(encodeRstStream(frame.streamId, cancelStatus));
        return;
      case 'rstStream':
        streams.get(frame.streamId)?.reset(frame.status);
        streams.delete(frame.streamId);
        return;
      case 'ping':
        // Odd ones are answers to pings of ours, which we do not send.
        if (frame.id % 2 === 0) post(encodePing(frame.id));
        return;
      case 'goAway':
        for (const [id, stream] of streams) {
          if (id > frame.lastStreamId) stream.fail(new Error('the other end takes no more streams'));
        }
        return;
      case 'windowUpdate':
      case 'settings':
      case 'unknown':
        return;
    }
  };
  const read = async (): Promise<void> => {
    const parser = new FrameParser();
    for (const frame of parser.push(head)) await handle(frame);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      for (const frame of parser.push(chunk)) await handle(frame);
    }
  };
  read().then(
    () => shutDown(),
    (error: unknown) => shutDown(error instanceof Error ? error : new Error(String(error))),
  );
  socket.on('error', shutDown);

  return {
    closed: closed.promise,
    close: () => {
      if (isClosed) return;
      post(encodeGoAway(0, 0));
      socket.end();
      shutDown();
    },
    open: async (headers) => {
      const block = await codec.encode(headers);
      const id = nextId;
      nextId += 2;
      const state = new StreamState();
      streams.set(id, state);
      await send(encodeSynStream(id, block));
      await state.opened.promise;
      let ended = false;
      return {
        id,
        incoming: state,
        write: async (data) => {
          for (let at = 0; at < data.byteLength; at += maxDataBytes) {
            if (ended || state.isReset || state.failure)
              throw state.failure ?? new Error('the stream is closed');
            await send(encodeData(id, data.subarray(at, at + maxDataBytes), false));
          }
        },
        end: () => {
          if (ended || isClosed) return;
          ended = true;
          post(encodeData(id, Buffer.alloc(0), true));
        },
        reset: () => {
          if (isClosed || !streams.delete(id)) return;
          ended = true;
          state.fail(new Error('the stream is closed'));
          post(encodeRstStream(id, cancelStatus));
        },
      };
    },
  };
}

/** What has come in on a stream and was not read yet. */
class StreamState implements AsyncIterable<Buffer> {
  readonly opened = Promise.withResolvers<void>();
  failure: Error | undefined;
  isReset = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #finished = false;
  #changed = Promise.withResolvers<void>();

  constructor() {
    // Whoever waits for it has the error; on streams that the other side opens nobody does.
    this.opened.promise.catch(() => undefined);
  }

  /** Waits while the reader is behind. */
  async push(chunk: Buffer): Promise<void> {
    if (this.failure || this.#finished) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    while (this.#bytes > streamBufferBytes && !this.failure) await this.#changed.promise;
  }

  finish(): void {
    this.#finished = true;
    this.#wake();
  }

  /** The other end takes and sends nothing more. */
  reset(status: number): void {
    const error = new Error(`the stream was reset (status ${status})`);
    this.opened.reject(error);
    this.isReset = true;
    this.finish();
  }

  fail(error: Error): void {
    if (this.#finished || this.failure) return;
    this.failure = error;
    this.opened.reject(error);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#bytes -= chunk.length;
        this.#wake();
        yield chunk;
      } else if (this.failure) throw this.failure;
      else if (this.#finished) return;
      else await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

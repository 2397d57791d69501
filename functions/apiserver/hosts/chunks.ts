import type { Readable } from 'node:stream';

/**
 * A body's chunks as they arrive, for one reader. Who stops reading leaves the stream as it is, so that an answer can
 * still be sent. Much less work for each request than a stream's own iterator.
 */
export function readChunks(stream: Readable): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => new ChunkReader(stream) };
}

class ChunkReader implements AsyncIterator<Uint8Array> {
  readonly #stream: Readable;
  readonly #moved = () => this.#step();
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('readable', this.#moved);
    stream.on('end', this.#moved);
    stream.on('close', this.#moved);
    stream.on('error', this.#fail);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#step();
    return promise;
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#stream.off('readable', this.#moved);
    this.#stream.off('end', this.#moved);
    this.#stream.off('close', this.#moved);
    return Promise.resolve({ done: true, value: undefined });
  }

  readonly #fail = (error: Error) => {
    this.#failure = error;
    this.#step();
  };

  #step(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    const chunk = this.#failure ? null : (this.#stream.read() as Uint8Array | null);
    if (chunk) waiting.resolve({ done: false, value: chunk });
    else if (this.#failure) waiting.reject(this.#failure);
    else if (this.#stream.readableEnded) waiting.resolve({ done: true, value: undefined });
    else if (this.#stream.destroyed) waiting.reject(new Error('the body broke off'));
    else return;
    this.#waiting = undefined;
  }
}

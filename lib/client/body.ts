import { KumulusError } from '../errors.ts';

type Body = Uint8Array | AsyncIterable<Uint8Array> | undefined;

/** The whole body as text. */
export async function readText(body: Body): Promise<string> {
  if (body === undefined) return '';
  if (body instanceof Uint8Array) return textOf(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return textOf(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
}

/** A watch frame holds one object; the server takes none over 3 MiB. */
const maxFrameBytes = 32 * 1024 * 1024;

/**
 * The newline-delimited JSON documents of a stream, however its chunks fall. A stream that ends within a document
 * was cut: that rejects with `ServiceUnavailable`, as does a document longer than 32 MiB.
 */
export async function* readFrames(body: Body): AsyncGenerator<unknown, void, undefined> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunksOf(body)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const last = chunk.subarray(start, end);
      const frame = pendingBytes === 0 ? last : Buffer.concat([...pending, last]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      const text = textOf(frame);
      if (text.trim() !== '') yield parseFrame(text);
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > maxFrameBytes) {
        throw new KumulusError('ServiceUnavailable', `a watch event exceeds ${maxFrameBytes} bytes`);
      }
    }
  }
  if (pendingBytes === 0) return;
  const rest = textOf(Buffer.concat(pending));
  if (rest.trim() === '') return;
  if (!isWhole(rest)) {
    throw new KumulusError('ServiceUnavailable', 'the watch was cut in the middle of an event');
  }
  yield JSON.parse(rest);
}

async function* chunksOf(body: Body): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

function parseFrame(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KumulusError('ServiceUnavailable', 'the server sent a watch event that is not JSON', { cause });
  }
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

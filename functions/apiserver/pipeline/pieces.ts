/** Large bodies, sent in chunks at the speed of their reader, so that ten lists at once cost little more than one. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';

/** A body in pieces, read once. */
export interface Pieces {
  pieces: Iterable<Uint8Array>;
  /** Undefined where the pieces are made while they are read. */
  sizeBytes: number | undefined;
}

export function piecesOf(pieces: readonly Uint8Array[]): Pieces {
  let sizeBytes = 0;
  for (const piece of pieces) sizeBytes += piece.byteLength;
  return { pieces, sizeBytes };
}

export function wholeOf({ pieces }: Pieces): Uint8Array {
  const all = [...pieces];
  return all.length === 1 && all[0] ? all[0] : Buffer.concat(all);
}

/** What is copied together at once: large enough that a chunk costs little, small enough to be nothing for each of many. */
const chunkBytes = 256 * 1024;

export async function* inChunks({ pieces }: Pieces): AsyncGenerator<Uint8Array> {
  let chunk: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const piece of pieces) {
    chunk.push(piece);
    sizeBytes += piece.byteLength;
    if (sizeBytes < chunkBytes) continue;
    yield Buffer.concat(chunk, sizeBytes);
    chunk = [];
    sizeBytes = 0;
  }
  if (sizeBytes > 0) yield Buffer.concat(chunk, sizeBytes);
}

export function gzipped(pieces: Pieces, level: number): AsyncIterable<Uint8Array> {
  // Whoever reads the result is told of a failure by it.
  return pipeline(Readable.from(inChunks(pieces)), createGzip({ level }), () => undefined);
}

/** Large bodies, sent in chunks at the speed of their reader, so that ten lists at once cost little more than one. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';

/** A body of pieces that are all there. */
export interface Pieces {
  pieces: readonly Uint8Array[];
  sizeBytes: number;
}

export function piecesOf(pieces: readonly Uint8Array[]): Pieces {
  let sizeBytes = 0;
  for (const piece of pieces) sizeBytes += piece.byteLength;
  return { pieces, sizeBytes };
}

/** What is copied together at once: large enough that a chunk costs little, small enough to be nothing for each of many. */
const chunkBytes = 256 * 1024;

export async function* inChunks({ pieces }: Pieces): AsyncGenerator<Uint8Array> {
  let start = 0;
  let sizeBytes = 0;
  for (let index = 0; index < pieces.length; index++) {
    sizeBytes += (pieces[index] as Uint8Array).byteLength;
    if (sizeBytes < chunkBytes) continue;
    yield Buffer.concat(pieces.slice(start, index + 1), sizeBytes);
    start = index + 1;
    sizeBytes = 0;
  }
  if (sizeBytes > 0) yield Buffer.concat(pieces.slice(start), sizeBytes);
}

export function gzipped(pieces: Pieces, level: number): AsyncIterable<Uint8Array> {
  // Whoever reads the result is told of a failure by it.
  return pipeline(Readable.from(inChunks(pieces)), createGzip({ level }), () => undefined);
}

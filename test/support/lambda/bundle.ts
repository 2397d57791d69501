import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundleFunction } from '../../../infra/bundling.ts';

export interface MeasuredBundle {
  /** The module with the handler. */
  index: string;
  /** As an archive has it: each file compressed by itself. */
  zippedBytes: number;
}

/** The bundle of the function with this entry, made as it is deployed, in a directory of its own. */
export function measuredBundle(entry: string, outdir: string): MeasuredBundle {
  bundleFunction(entry, outdir);
  const zippedBytes = readdirSync(outdir)
    .map((file) => gzipSync(readFileSync(join(outdir, file))).byteLength)
    .reduce((sum, bytes) => sum + bytes, 0);
  return { index: join(outdir, 'index.mjs'), zippedBytes };
}

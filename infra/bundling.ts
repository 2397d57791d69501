/** How esbuild makes bundles: a function's here, for its deployment and wherever one is measured; the agent's by `nodes/`. */
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');

export const bundling = {
  target: 'node24',
  minify: true,
  mainFields: ['module', 'main'],
  // Of the packages that are no modules.
  banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
};

/** In the place of `node:http`, which loads more than anybody here needs. */
const httpAlone = join(import.meta.dirname, 'node-http.ts');

/**
 * The bundle of the function whose entry is at the path in the project (`functions/scheduler/handler.ts`): `index.mjs`, and
 * beside it a file for whatever is only imported when it is needed. Before it answers anything a function parses all that
 * it is loaded with, so that each megabyte of it is some 40 ms of a cold start.
 */
export function bundleFunction(entry: string, outdir: string): void {
  const { banner, ...options } = bundling;
  buildSync({
    ...options,
    banner: { js: banner },
    entryPoints: { index: join(root, entry) },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outdir,
    outExtension: { '.js': '.mjs' },
    alias: { http: httpAlone, 'node:http': httpAlone },
    absWorkingDir: root,
    logLevel: 'error',
  });
}

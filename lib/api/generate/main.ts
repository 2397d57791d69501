/** `npm run generate`: everything under `lib/api/gen`. With `--check`, fails when a file would change. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readModels } from './model.ts';
import { renderSchemas } from './schemas.ts';
import { renderTypes } from './types.ts';

const gen = join(import.meta.dirname, '..', 'gen');
const models = await readModels();
const { schemas, docs } = renderSchemas(models);
const files: Record<string, string> = {
  'types.ts': renderTypes(models),
  'schemas.json': schemas,
  'docs.json': docs,
};

const stale: string[] = [];
for (const [name, content] of Object.entries(files)) {
  const path = join(gen, name);
  if (readIfThere(path) === content) continue;
  stale.push(path);
  if (process.argv.includes('--check')) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`out of date, run npm run generate:\n  ${stale.join('\n  ')}`);
  process.exitCode = 1;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

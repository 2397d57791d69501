/** What Lambda loads at a cold start is kept small: every function's bundle, made as it is deployed. */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { measuredBundle } from '../../support/lambda/bundle.ts';

const root = join(import.meta.dirname, '../../..');
const mostZippedBytes = 3_000_000;
/** The functions' entries are the modules that hand Lambda a handler. */
const entries = globSync('functions/**/*.ts', { cwd: root })
  .filter((path) => /^export const handler\b/m.test(readFileSync(join(root, path), 'utf8')))
  .sort();

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-bundles-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the entries are those of the stack', () => {
  const stack = globSync('infra/constructs/*.ts', { cwd: root }).map((path) =>
    readFileSync(join(root, path), 'utf8'),
  );
  const deployed = stack.flatMap((text) => [...text.matchAll(/entry: '([^']+)'/g)].map(([, path]) => path));
  expect(new Set(deployed)).toEqual(new Set(entries));
});

test.each(entries)('%s is less than 3 MB, zipped', (entry) => {
  const { zippedBytes } = measuredBundle(entry, join(dir, entry.replaceAll('/', '-')));
  expect(zippedBytes).toBeLessThan(mostZippedBytes);
});

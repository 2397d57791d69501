/** When the door to every command installs npm packages: here in a project of one package, and forbidden to do it. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const refused =
  'kumulus: npm packages are missing or out of date, and --no-install forbids to install them: run npm ci\n';
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kumulus-run-'));
  mkdirSync(join(root, 'scripts'));
  copyFileSync(join(import.meta.dirname, '../../../scripts/run.mjs'), join(root, 'scripts/run.mjs'));
  write('package-lock.json', {
    packages: {
      '': { name: 'kumulus' },
      'node_modules/node': { version: '24.0.0' },
      'node_modules/of-another-system': { version: '1.0.0', optional: true },
    },
  });
  const bin = join(root, 'node_modules/node/bin');
  mkdirSync(bin, { recursive: true });
  // In the place of the pinned Node.js, which is not what is looked at here.
  writeFileSync(join(bin, 'node'), '#!/bin/sh\necho started\n');
  chmodSync(join(bin, 'node'), 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: unknown): void {
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
}

function run(): { out: string; err: string } {
  const args = [join(root, 'scripts/run.mjs'), 'start', '--no-install'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { out: stdout, err: stderr };
}

test('goes on where npm has noted that it installed what is asked for, whoever ran it', () => {
  write('node_modules/.package-lock.json', { packages: { 'node_modules/node': { version: '24.0.0' } } });
  expect(run()).toEqual({ out: 'started\n', err: '' });
});

test.each([
  ['npm has not ended', undefined],
  ['a package is of another version', { packages: { 'node_modules/node': { version: '23.0.0' } } }],
  ['a package is missing', { packages: {} }],
  [
    'an optional package is of another version',
    {
      packages: {
        'node_modules/node': { version: '24.0.0' },
        'node_modules/of-another-system': { version: '0.9.0' },
      },
    },
  ],
  ['what npm noted was cut off', '{"packages": {'],
])('asks for an installation where %s', (_, noted) => {
  if (noted) write('node_modules/.package-lock.json', noted);
  expect(run()).toEqual({ out: '', err: refused });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { difference, readSteps } from '../../support/readme.ts';

const work = mkdtempSync(join(tmpdir(), 'kumulus-readme-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('the steps below a heading are read, with what they show', () => {
  const file = join(work, 'page.md');
  writeFileSync(
    file,
    '# Page\n## Tour\n```console\n$ one \\\n  --more\nout\n$ two\n```\ntext\n### Deeper\n```console\n$ three\n```\n## Next\n```console\n$ four\n```\n',
  );
  expect(readSteps(file, '## Tour')).toEqual([
    { command: 'one \\\n  --more', shown: ['out'] },
    { command: 'two', shown: [] },
    { command: 'three', shown: [] },
  ]);
});

test('what differs from run to run does not count, everything else does', () => {
  const shown = ['NAME                     AGE', 'hello-6d5f7c9b8d-x2v4z   12s'];
  expect(difference(shown, 'NAME AGE\nhello-7f9c5d6b4-bbbbb 3m2s\n')).toBeUndefined();
  expect(difference(shown, 'NAME AGE\nother-7f9c5d6b4-bbbbb 3m2s\n')).toMatch(/^shown:.*hello/);
  expect(difference(shown, 'NAME AGE\n')).toMatch(/nothing more/);
  expect(difference(['a', '...', 'z'], 'a\nb\nc\nz\n')).toBeUndefined();
  expect(difference(['a'], 'a\nb\n')).toBe('not shown: b');
});

import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProjectedFile, writeAtomically } from '../../../../node-agent/volumes/atomic.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-atomic-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const file = (text: string, mode = 0o644): ProjectedFile => ({ content: Buffer.from(text), mode });
const payload = (files: Record<string, ProjectedFile>) => new Map(Object.entries(files));
const read = (path: string) => readFile(join(dir, path), 'utf8');

describe('projected files', () => {
  it('appear behind one link, with their modes', async () => {
    await writeAtomically(dir, payload({ a: file('1'), 'deep/b': file('2', 0o400) }));
    expect([await read('a'), await read('deep/b')]).toEqual(['1', '2']);
    expect((await stat(join(dir, 'deep/b'))).mode & 0o777).toBe(0o400);
    expect((await lstat(join(dir, 'deep'))).isSymbolicLink()).toBe(true);
    expect(await readlink(join(dir, 'a'))).toBe('..data/a');
  });

  it('change all at once, and the old ones go', async () => {
    await writeAtomically(dir, payload({ a: file('1'), gone: file('x') }));
    const before = await readlink(join(dir, '..data'));
    await writeAtomically(dir, payload({ a: file('2'), 'new/n': file('3') }));
    expect([await read('a'), await read('new/n')]).toEqual(['2', '3']);
    expect((await readdir(dir)).sort()).toEqual(
      [await readlink(join(dir, '..data')), '..data', 'a', 'new'].sort(),
    );
    expect(await readdir(dir)).not.toContain(before);
  });

  it('are left alone when nothing changed', async () => {
    const files = payload({ a: file('1') });
    await writeAtomically(dir, files);
    const before = await readlink(join(dir, '..data'));
    await writeAtomically(dir, files);
    expect(await readlink(join(dir, '..data'))).toBe(before);
    await writeAtomically(dir, payload({ a: file('1', 0o600) }));
    expect(await readlink(join(dir, '..data'))).not.toBe(before);
  });

  it.each(['../a', '/a', '', 'x/../../a', '..hidden'])('never leave the volume: %j', async (path) => {
    await expect(writeAtomically(dir, payload({ [path]: file('1') }))).rejects.toThrow('invalid path');
    expect(await readdir(dir)).toEqual([]);
  });

  it('replace what an interrupted write left behind', async () => {
    await writeAtomically(dir, payload({ a: file('1') }));
    await rm(join(dir, await readlink(join(dir, '..data'))), { recursive: true });
    await writeAtomically(dir, payload({ a: file('1') }));
    expect(await read('a')).toBe('1');
  });
});

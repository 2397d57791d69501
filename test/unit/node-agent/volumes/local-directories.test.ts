import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLocalDirectories } from '../../../../node-agent/volumes/local-directories.ts';

const name = 'pvc-01234567-89ab-cdef-0123-456789abcdef';
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-local-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the directory of a volume', () => {
  test('is there for anyone to write, keeps what is in it, and goes with everything', async () => {
    const root = join(dir, 'root');
    const directories = createLocalDirectories(root);
    const path = await directories.create(name);
    expect(path).toBe(join(root, name));
    expect((await stat(path)).mode & 0o777).toBe(0o777);
    expect((await stat(root)).mode & 0o777).toBe(0o700);
    await writeFile(join(path, 'file'), 'content');
    expect(await directories.create(name)).toBe(path);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('content');
    await directories.remove(name);
    await directories.remove(name);
    expect(await readdir(root)).toEqual([]);
  });

  test('goes without what its links lead to', async () => {
    const outside = join(dir, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'kept'), '');
    const directories = createLocalDirectories(join(dir, 'root'));
    const path = await directories.create(name);
    await symlink(outside, join(path, 'link'));
    await directories.remove(name);
    expect(await readdir(outside)).toEqual(['kept']);
  });

  test('goes although an earlier removal came to half of it only', async () => {
    const root = join(dir, 'root');
    const directories = createLocalDirectories(root);
    await mkdir(join(root, `.removing-${name}`, 'half'), { recursive: true });
    await directories.create(name);
    await directories.remove(name);
    expect(await readdir(root)).toEqual([]);
  });

  test.each([
    '',
    '.',
    '..',
    '../outside',
    'pvc-1',
    `${name}/..`,
    `${name}/../../outside`,
    `x${name}`,
    `${name}\n`,
  ])('is never %j', async (other) => {
    const directories = createLocalDirectories(join(dir, 'root'));
    const refused = { kind: 'Invalid' };
    await expect(directories.create(other)).rejects.toMatchObject(refused);
    await expect(directories.remove(other)).rejects.toMatchObject(refused);
    expect(await readdir(dir)).toEqual([]);
  });
});

import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Stats } from 'node:fs';
import type { HostPathVolumeSource } from '../../lib/api/gen/types.ts';
import { KumulusError } from '../../lib/errors.ts';

/** Sees to it that the path is what the volume says it must be (Volumes, "hostPath volume types"). */
export async function prepareHostPath({ path, type = '' }: HostPathVolumeSource): Promise<void> {
  if (type === '') return;
  if (path.split('/').includes('..'))
    throw new KumulusError('Invalid', `hostPath ${path}: must not contain '..'`);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found && type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (!found && type === 'FileOrCreate') {
    // The directory of the file is not made: a typing error would leave a tree behind.
    await stat(dirname(path));
    await (await open(path, 'wx', 0o644)).close();
    return;
  }
  const [is, words] = checks[type] ?? unknownType(type);
  if (!found || !is(found))
    throw new KumulusError('Invalid', `hostPath type check failed: ${path} is not ${words}`);
}

const directory: [(s: Stats) => boolean, string] = [(s) => s.isDirectory(), 'a directory'];
const file: [(s: Stats) => boolean, string] = [(s) => s.isFile(), 'a file'];
const checks: Record<string, [(s: Stats) => boolean, string]> = {
  DirectoryOrCreate: directory,
  Directory: directory,
  FileOrCreate: file,
  File: file,
  Socket: [(s) => s.isSocket(), 'a socket file'],
  CharDevice: [(s) => s.isCharacterDevice(), 'a character device'],
  BlockDevice: [(s) => s.isBlockDevice(), 'a block device'],
};

function unknownType(type: string): never {
  throw new KumulusError('Invalid', `"${type}" is an invalid volume type`);
}

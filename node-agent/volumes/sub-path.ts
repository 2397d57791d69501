import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KumulusError } from '../../lib/errors.ts';
import { bindMount, isMountPoint } from './mounts.ts';

/** Not in node:fs: open(2) without access to the content, enough to mount it. */
export const openPath = 0o10000000;

/**
 * Binds `subPath` of a volume to `target` and nothing outside of the volume, whatever symlinks a container may put in
 * its way at the same time: each part is opened relative to the one before without following links, and what is mounted
 * is what was opened. A part that is missing is made as a directory with the volume's own mode.
 */
export async function bindSubPath(volumePath: string, subPath: string, target: string): Promise<void> {
  if (await isMountPoint(target)) return;
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
    throw new KumulusError('Invalid', `subPath "${subPath}" must be a relative path without ".."`);
  }
  const handle = await openWithin(volumePath, subPath);
  try {
    const source = `/proc/${process.pid}/fd/${handle.fd}`;
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    if ((await stat(source)).isDirectory()) await mkdir(target, { recursive: true, mode: 0o750 });
    else await writeFile(target, '', { flag: 'a' });
    await bindMount(source, target);
  } finally {
    await handle.close();
  }
}

async function openWithin(volumePath: string, subPath: string): Promise<FileHandle> {
  let handle = await open(volumePath, openPath);
  const { mode } = await handle.stat();
  for (const part of subPath.split('/').filter((p) => p !== '' && p !== '.')) {
    const child = join(`/proc/self/fd/${handle.fd}`, part);
    try {
      const next = await openPart(child, part, volumePath, mode);
      await handle.close();
      handle = next;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
  return handle;
}

async function openPart(child: string, part: string, volumePath: string, mode: number): Promise<FileHandle> {
  const flags = openPath | constants.O_NOFOLLOW;
  let handle: FileHandle;
  try {
    handle = await open(child, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(child);
    handle = await open(child, flags);
    await chmod(`/proc/self/fd/${handle.fd}`, mode & 0o7777);
  }
  // With O_PATH a link is opened itself instead of failing.
  const found = await handle.stat();
  if (!found.isSymbolicLink()) return handle;
  await handle.close();
  // Projected volumes consist of links; those of their own making stay inside.
  if (part.startsWith('..')) throw new KumulusError('Invalid', `subPath: "${part}" is not allowed`);
  return openProjected(child, volumePath);
}

/** Follows a link only where its end lies within the volume. */
async function openProjected(child: string, volumePath: string): Promise<FileHandle> {
  const handle = await open(child, openPath);
  const end = await readlink(`/proc/self/fd/${handle.fd}`);
  const root = await realpath(volumePath);
  if (end === root || end.startsWith(`${root}/`)) return handle;
  await handle.close();
  throw new KumulusError('Invalid', `subPath leads outside of the volume`);
}

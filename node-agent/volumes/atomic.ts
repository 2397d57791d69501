import { randomBytes } from 'node:crypto';
import {
  chmod,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';

export interface ProjectedFile {
  content: Uint8Array;
  mode: number;
  /** The owner; root where absent. */
  uid?: number;
}

/** Relative path to file. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const dataLink = '..data';

/**
 * Makes a directory show exactly these files, all at once: they are written into a new hidden directory, and one rename
 * turns the symlink `..data` over to it, so that a reader sees the old set or the new one, never a mixture. The names
 * that users see are symlinks through `..data`. Does nothing when nothing has changed. `gid` (a pod's fsGroup) may read.
 */
export async function writeAtomically(directory: string, payload: Payload, gid?: number): Promise<void> {
  for (const path of payload.keys()) validatePath(path);
  const current = await readlink(join(directory, dataLink)).catch(ignoreMissing);
  if (current && (await isSame(join(directory, current), payload, gid))) return;

  const version = `..${new Date(systemClock.now()).toISOString().slice(0, 19).replace(/[-:T]/g, '_')}.${randomBytes(4).toString('hex')}`;
  const versionDir = join(directory, version);
  await makeDirectory(versionDir, gid);
  for (const [path, file] of payload) {
    const target = join(versionDir, path);
    await makeDirectories(versionDir, dirname(path), gid);
    await writeFile(target, file.content);
    await chmod(target, modeOf(file, gid));
    if (gid !== undefined || file.uid !== undefined) await lchown(target, file.uid ?? 0, gid ?? 0);
  }
  await rm(join(directory, `${dataLink}_tmp`), { force: true });
  await symlink(version, join(directory, `${dataLink}_tmp`));
  await rename(join(directory, `${dataLink}_tmp`), join(directory, dataLink));

  await linkNames(directory, payload);
  for (const name of await readdir(directory)) {
    if (name.startsWith('..') && name !== dataLink && name !== version) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}

/** A symlink for each first path segment, and none for what is gone. */
async function linkNames(directory: string, payload: Payload): Promise<void> {
  const names = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  for (const name of names) {
    const link = join(directory, name);
    const existing = await lstat(link).catch(ignoreMissing);
    if (existing?.isSymbolicLink()) continue;
    await rm(link, { recursive: true, force: true });
    await symlink(join(dataLink, name), link);
  }
  for (const name of await readdir(directory)) {
    if (!name.startsWith('..') && !names.has(name)) await rm(join(directory, name), { force: true });
  }
}

function modeOf(file: ProjectedFile, gid: number | undefined): number {
  return gid === undefined ? file.mode : file.mode | 0o440;
}

async function makeDirectories(root: string, path: string, gid: number | undefined): Promise<void> {
  let directory = root;
  for (const part of path.split('/')) {
    if (part === '.') continue;
    directory = join(directory, part);
    await makeDirectory(directory, gid);
  }
}

async function makeDirectory(path: string, gid: number | undefined): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, gid === undefined ? 0o755 : 0o2755);
  if (gid !== undefined) await lchown(path, 0, gid);
}

async function isSame(directory: string, payload: Payload, gid: number | undefined): Promise<boolean> {
  const files = await listFiles(directory);
  if (files.length !== payload.size) return false;
  for (const path of files) {
    const file = payload.get(path);
    if (!file) return false;
    const { mode } = await stat(join(directory, path));
    if ((mode & 0o7777) !== modeOf(file, gid)) return false;
    if (!(await readFile(join(directory, path))).equals(file.content)) return false;
  }
  return true;
}

async function listFiles(directory: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(ignoreMissing);
  const found: string[] = [];
  for (const entry of entries ?? []) {
    const path = join(prefix, entry.name);
    if (entry.isDirectory()) found.push(...(await listFiles(join(directory, entry.name), path)));
    else found.push(path);
  }
  return found;
}

function validatePath(path: string): void {
  if (path === '' || path.startsWith('/') || path.startsWith('..') || path.split('/').includes('..')) {
    throw new Error(
      `invalid path: must be relative and not contain or start with "..": ${JSON.stringify(path)}`,
    );
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

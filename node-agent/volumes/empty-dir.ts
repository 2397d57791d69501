import { chmod, lchown, mkdir } from 'node:fs/promises';
import { isMountPoint, mountTmpfs } from './mounts.ts';

/**
 * Makes a volume's directory, in memory where asked, writable for everyone or for the pod's group. Does nothing when it
 * is there: its content is the pod's.
 */
export async function prepareEmptyDir(
  path: string,
  options: { memory: boolean; sizeBytes?: number; gid?: number },
): Promise<void> {
  const created = await mkdir(path, { recursive: true, mode: 0o755 });
  if (options.memory && !(await isMountPoint(path))) await mountTmpfs(path, options.sizeBytes);
  else if (created === undefined) return;
  await chmod(path, options.gid === undefined ? 0o777 : 0o2777);
  if (options.gid !== undefined) await lchown(path, 0, options.gid);
}

/** A directory for files that are projected into it, in memory where they are secret. */
export async function prepareProjectionDir(path: string, memory: boolean): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  if (memory && !(await isMountPoint(path))) await mountTmpfs(path, undefined);
  await chmod(path, 0o777);
}

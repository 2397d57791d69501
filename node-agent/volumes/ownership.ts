import { constants } from 'node:fs';
import { chmod, chown, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodSecurityContext } from '../../lib/api/gen/types.ts';
import { openPath } from './sub-path.ts';

const groupMode = 0o660;
const directoryMode = 0o2110;

/**
 * Gives everything in a volume to the pod's fsGroup, readable and writable, and new files with it (Configure a Security
 * Context, "fsGroup"). With the policy OnRootMismatch nothing is done where the volume itself is the group's already.
 */
export async function giveToGroup(path: string, context: PodSecurityContext | undefined): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = context ?? {};
  if (fsGroup === undefined) return;
  const { gid, mode } = await stat(path);
  const wanted = groupMode | directoryMode;
  if (fsGroupChangePolicy === 'OnRootMismatch' && gid === fsGroup && (mode & wanted) === wanted) return;
  await give(path, fsGroup);
}

/**
 * Links are left alone, and each part is opened where the one before it was: another pod that has the volume may put links
 * in the way meanwhile. What is in a directory comes before it, so that only what was done wholly looks so.
 */
async function give(path: string, gid: number): Promise<void> {
  const handle = await open(path, openPath | constants.O_NOFOLLOW);
  try {
    const found = await handle.stat();
    if (found.isSymbolicLink()) return;
    const opened = `/proc/self/fd/${handle.fd}`;
    if (found.isDirectory()) {
      for (const name of await readdir(opened)) await give(join(opened, name), gid);
    }
    await chown(opened, found.uid, gid);
    const bits = found.isDirectory() ? groupMode | directoryMode : groupMode;
    await chmod(opened, (found.mode & 0o7777) | bits);
  } finally {
    await handle.close();
  }
}

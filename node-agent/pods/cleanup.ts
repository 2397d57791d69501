import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SyncContext } from './context.ts';
import type { PodView } from './runtime-view.ts';

/** Removes all that is left of a pod whose containers have ended: in the runtime, on disk, of control groups. Idempotent. */
export async function removeLeftovers(context: SyncContext, view: PodView): Promise<void> {
  const { runtime, volumes, cgroups, paths } = context;
  for (const container of view.containers) await runtime.removeContainer(container.id);
  for (const sandbox of view.sandboxes) {
    await runtime.stopPodSandbox(sandbox.id);
    await runtime.removePodSandbox(sandbox.id);
  }
  await volumes.tearDown(view.uid);
  await cgroups.remove(view.uid);
  for (const directory of await logDirectories(paths.logs)) {
    if (uidOf(directory) === view.uid)
      await rm(join(paths.logs, directory), { recursive: true, force: true });
  }
}

/** Uids of all pods of which the node has anything that the runtime does not know. */
export async function uidsOnDisk({ volumes, cgroups, paths }: SyncContext): Promise<string[]> {
  const logs = (await logDirectories(paths.logs)).map(uidOf);
  return [...new Set([...(await volumes.present()), ...(await cgroups.present()), ...logs])];
}

async function logDirectories(logs: string): Promise<string[]> {
  try {
    return await readdir(logs);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** `<namespace>_<name>_<uid>`; none of the three may contain an underscore. */
function uidOf(directory: string): string {
  return directory.slice(directory.lastIndexOf('_') + 1);
}

import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const mountPoint = '/sys/fs/cgroup';

/** Removes a cgroup and all below it from every hierarchy (v1), or from the one there is (v2). They must be empty of processes. */
export async function removeCgroups(path: string): Promise<void> {
  const isUnified = existsSync(join(mountPoint, 'cgroup.controllers'));
  const roots = isUnified ? [mountPoint] : readdirSync(mountPoint).map((name) => join(mountPoint, name));
  for (const root of roots) {
    const cgroup = join(root, path);
    if (existsSync(cgroup)) removeTree(cgroup);
    removeIfEmpty(join(root, path, '..'));
  }
}

function removeTree(cgroup: string): void {
  for (const entry of readdirSync(cgroup, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(cgroup, entry.name));
  }
  rmdirSync(cgroup);
}

/** The folder that a cluster's nodes share, once the last of them is gone. */
function removeIfEmpty(cgroup: string): void {
  if (!existsSync(cgroup)) return;
  if (readdirSync(cgroup, { withFileTypes: true }).some((entry) => entry.isDirectory())) return;
  rmdirSync(cgroup);
}

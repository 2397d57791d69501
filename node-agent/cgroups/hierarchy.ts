import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';

/** What the agent sets on a cgroup. What is absent is left as it is; a quota or memory limit of 0 means none. */
export interface CgroupLimits {
  cpuShares?: number;
  cpuQuotaUs?: number;
  cpuPeriodUs?: number;
  memoryBytes?: number;
  pids?: number;
}

/** The kernel's control groups, of version 1 (a tree a controller) or 2 (one tree). Paths are within a tree: `/kubepods/…`. */
export interface CgroupTree {
  readonly version: 1 | 2;
  /** Creates the group and its ancestors where they are missing and sets its limits. */
  ensure(path: string, limits: CgroupLimits): Promise<void>;
  /** Names of the groups right below. */
  children(path: string): Promise<string[]>;
  /** Removes a group and all below it, in every tree; groups whose processes are still ending are waited for. */
  remove(path: string): Promise<void>;
}

/** Finds out which version this machine has, from its mount table. */
export async function openCgroups(clock: Clock, mountTable = '/proc/self/mountinfo'): Promise<CgroupTree> {
  const mounts = parseMounts(await readFile(mountTable, 'utf8'));
  const unified = mounts.find(({ type }) => type === 'cgroup2')?.path;
  const controllers = new Map<string, string>();
  for (const { type, path, options } of mounts) {
    if (type === 'cgroup') for (const option of options) controllers.set(option, path);
  }
  const roots = [...new Set(mounts.map(({ path }) => path))];
  // Beside version 1 a second tree without controllers may be mounted: it counts for removal only.
  if (unified && !controllers.has('memory') && !controllers.has('cpu')) return version2(clock, unified);
  return version1(clock, roots, controllers);
}

interface CgroupMount {
  type: string;
  path: string;
  options: string[];
}

function parseMounts(table: string): CgroupMount[] {
  return table
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [type = '', , options = ''] = after.split(' ');
      return { type, path: before.split(' ')[4] ?? '', options: options.split(',') };
    })
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
}

function version1(clock: Clock, roots: string[], controllers: ReadonlyMap<string, string>): CgroupTree {
  const set = async (controller: string, path: string, file: string, value: number | undefined) => {
    const root = controllers.get(controller);
    if (root !== undefined && value !== undefined) await writeFile(join(root, path, file), String(value));
  };
  return {
    version: 1,
    async ensure(path, limits) {
      for (const controller of ['cpu', 'memory', 'pids']) {
        const root = controllers.get(controller);
        if (root !== undefined) await mkdir(join(root, path), { recursive: true });
      }
      await set('cpu', path, 'cpu.shares', limits.cpuShares);
      await set('cpu', path, 'cpu.cfs_period_us', limits.cpuPeriodUs);
      await set('cpu', path, 'cpu.cfs_quota_us', limits.cpuQuotaUs === 0 ? -1 : limits.cpuQuotaUs);
      await set('memory', path, 'memory.limit_in_bytes', limits.memoryBytes === 0 ? -1 : limits.memoryBytes);
      if (limits.pids) await set('pids', path, 'pids.max', limits.pids);
    },
    children: (path) => namesBelow(roots.map((root) => join(root, path))),
    async remove(path) {
      for (const root of roots) await removeTree(clock, join(root, path));
    },
  };
}

function version2(clock: Clock, root: string): CgroupTree {
  /** A controller works in a group only when every ancestor passes it on. */
  async function createWithControllers(path: string): Promise<void> {
    const parts = path.split('/').filter(Boolean);
    let directory = root;
    for (const part of parts) {
      const available = (await readFile(join(directory, 'cgroup.controllers'), 'utf8')).trim().split(' ');
      const wanted = ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb'].filter((c) =>
        available.includes(c),
      );
      await writeFile(join(directory, 'cgroup.subtree_control'), wanted.map((c) => `+${c}`).join(' '));
      directory = join(directory, part);
      await mkdir(directory, { recursive: true });
    }
  }
  return {
    version: 2,
    async ensure(path, limits) {
      await createWithControllers(path);
      const set = (file: string, value: string) => writeFile(join(root, path, file), value);
      if (limits.cpuShares !== undefined) await set('cpu.weight', String(cpuWeight(limits.cpuShares)));
      if (limits.cpuQuotaUs !== undefined) {
        await set('cpu.max', `${limits.cpuQuotaUs || 'max'} ${limits.cpuPeriodUs ?? 100_000}`);
      }
      if (limits.memoryBytes !== undefined) await set('memory.max', String(limits.memoryBytes || 'max'));
      if (limits.pids) await set('pids.max', String(limits.pids));
    },
    children: (path) => namesBelow([join(root, path)]),
    remove: (path) => removeTree(clock, join(root, path)),
  };
}

/** Version 1's 2..262144 on version 2's 1..10000 (KEP-2254). */
function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

async function namesBelow(directories: string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const directory of directories) {
    const entries = await readdir(directory, { withFileTypes: true }).catch(whenMissing([]));
    for (const entry of entries) if (entry.isDirectory()) names.add(entry.name);
  }
  return [...names];
}

const removeAttempts = 20;

async function removeTree(clock: Clock, directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(whenMissing(undefined));
  if (!entries) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(clock, join(directory, entry.name));
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt === removeAttempts) throw error;
      await clock.sleep(50);
    }
  }
}

function whenMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

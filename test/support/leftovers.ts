/** What a cluster has put into the kernel and the process table, found by its id and its data directory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../lib/process/run.ts';

/** One line for each thing that is still there; empty when nothing is left over. */
export async function leftovers(cluster: { dataDir: string; id: string }): Promise<string[]> {
  return [
    ...processes(cluster.dataDir),
    ...mounts(cluster.dataDir),
    ...namespaces(cluster.id),
    ...interfaces(cluster.id),
    ...cgroups(cluster.id),
    ...(await tables(cluster.id)),
  ];
}

export function clusterId(dataDir: string): string {
  const { id } = JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')) as { id: string };
  return id;
}

function processes(dataDir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => [pid, commandLine(pid)] as const)
    .filter(([, command]) => command.includes(dataDir))
    .map(([pid, command]) => `process ${pid}: ${command}`);
}

/** The words of a process's command, joined by blanks; empty when it is gone. */
export function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function mounts(dataDir: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dataDir))
    .map((line) => `mount ${line.split(' ')[4]}`);
}

function namespaces(id: string): string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns')
    .filter((name) => name.includes(id))
    .map((name) => `network namespace ${name}`);
}

function interfaces(id: string): string[] {
  return readdirSync('/sys/class/net')
    .filter((name) => name.includes(id))
    .map((name) => `interface ${name}`);
}

function cgroups(id: string): string[] {
  const root = '/sys/fs/cgroup';
  return ['', ...readdirSync(root)]
    .map((hierarchy) => join(root, hierarchy, `kumulus-${id}`))
    .filter((path) => existsSync(path))
    .map((path) => `cgroup ${path}`);
}

async function tables(id: string): Promise<string[]> {
  const list = await runCommand('nft', ['list', 'tables']);
  return list
    .split('\n')
    .filter((line) => line.includes(id))
    .map((line) => `nftables ${line}`);
}

import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus } from 'node:os';
import type { NodeSystemInfo } from '../../lib/api/gen/types.ts';
import { kubernetesVersion } from '../../lib/version.ts';

/** What the machine has. */
export interface Machine {
  cpuCount: number;
  memoryBytes: number;
  /** The disk that holds the agent's state. */
  diskBytes: number;
  /** Of each size that the kernel has: `2Mi` to bytes that are set aside. */
  hugepages: Record<string, number>;
  swapBytes: number;
}

/** kubelet's default eviction thresholds: what is kept back from pods. */
const reservedMemoryBytes = 100 * 1024 * 1024;
const reservedDiskShare = 0.1;

export async function readMachine(stateDir: string): Promise<Machine> {
  const [memory, disk] = await Promise.all([readMeminfo(), statfs(stateDir)]);
  return {
    cpuCount: cpus().length,
    memoryBytes: memory('MemTotal'),
    diskBytes: disk.blocks * disk.bsize,
    hugepages: await readHugepages(),
    swapBytes: memory('SwapTotal'),
  };
}

async function readHugepages(): Promise<Record<string, number>> {
  const root = '/sys/kernel/mm/hugepages';
  const sizes = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    // A kernel without huge pages.
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found: Record<string, number> = {};
  for (const directory of sizes) {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(directory)?.[1] ?? 0);
    const count = Number(await readFile(`${root}/${directory}/nr_hugepages`, 'utf8'));
    found[binary(kib)] = count * kib * 1024;
  }
  return found;
}

/** `2048` KiB -> `2Mi` */
function binary(kib: number): string {
  if (kib >= 1024 * 1024) return `${kib / 1024 / 1024}Gi`;
  return kib >= 1024 ? `${kib / 1024}Mi` : `${kib}Ki`;
}

/** Memory that could be given to somebody now, and in total (`/proc/meminfo`), in bytes. */
export async function readMeminfo(): Promise<(field: string) => number> {
  const table = await readFile('/proc/meminfo', 'utf8');
  return (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(table)?.[1] ?? 0) * 1024;
}

/** `status.capacity`, in kubelet's units. */
export function capacityOf(machine: Machine, maxPods: number): Record<string, string> {
  return {
    cpu: String(machine.cpuCount),
    'ephemeral-storage': `${Math.floor(machine.diskBytes / 1024)}Ki`,
    ...hugepagesOf(machine),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  };
}

/** `status.allocatable`: the capacity without what is kept back so that the node itself survives. */
export function allocatableOf(machine: Machine, maxPods: number): Record<string, string> {
  const hugepages = Object.values(machine.hugepages).reduce((sum, bytes) => sum + bytes, 0);
  const memory = allocatableMemoryBytes(machine) - hugepages;
  return {
    cpu: String(machine.cpuCount),
    'ephemeral-storage': String(Math.floor(machine.diskBytes * (1 - reservedDiskShare))),
    ...hugepagesOf(machine),
    memory: `${Math.floor(memory / 1024)}Ki`,
    pods: String(maxPods),
  };
}

export function allocatableMemoryBytes(machine: Machine): number {
  return machine.memoryBytes - reservedMemoryBytes;
}

function hugepagesOf({ hugepages }: Machine): Record<string, string> {
  return Object.fromEntries(
    Object.entries(hugepages).map(([size, bytes]) => [
      `hugepages-${size}`,
      bytes === 0 ? '0' : `${bytes / 1024 / 1024}Mi`,
    ]),
  );
}

/** `status.nodeInfo`. What a machine does not tell is empty, as it is in kubelet. */
export async function readNodeInfo(runtime: {
  runtimeName: string;
  runtimeVersion: string;
}): Promise<NodeSystemInfo> {
  const read = async (file: string) => (await readFile(file, 'utf8').catch(() => '')).trim();
  const machineId = (await read('/etc/machine-id')) || (await read('/var/lib/dbus/machine-id'));
  const release = await read('/etc/os-release');
  return {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    bootID: await read('/proc/sys/kernel/random/boot_id'),
    containerRuntimeVersion: `${runtime.runtimeName}://${runtime.runtimeVersion}`,
    kernelVersion: await read('/proc/sys/kernel/osrelease'),
    kubeProxyVersion: '',
    kubeletVersion: kubernetesVersion,
    machineID: machineId,
    operatingSystem: 'linux',
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? 'Unknown',
    systemUUID: (await read('/sys/class/dmi/id/product_uuid')) || machineId,
  };
}

import { statfs } from 'node:fs/promises';
import { readMeminfo } from './machine.ts';

/** What the node runs short of. */
export interface Pressure {
  memory: boolean;
  disk: boolean;
}

const minMemoryBytes = 100 * 1024 * 1024;
const minDiskShare = 0.1;
const minImageDiskShare = 0.15;
const minInodeShare = 0.05;

/** The runtime's directory may be there only once it has its first image. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** kubelet's default hard eviction thresholds (Node-pressure Eviction). `imageDir` is the runtime's disk, where known. */
export async function readPressure(stateDir: string, imageDir: string | undefined): Promise<Pressure> {
  const memory = await readMeminfo();
  const node = await statfs(stateDir);
  const image = imageDir ? await statfs(imageDir).catch(absent) : undefined;
  return {
    memory: memory('MemAvailable') < minMemoryBytes,
    disk:
      node.bavail / node.blocks < minDiskShare ||
      (node.files > 0 && node.ffree / node.files < minInodeShare) ||
      (image !== undefined && image.bavail / image.blocks < minImageDiskShare),
  };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../../lib/process/run.ts';
import { machineArchitecture } from '../../../node-agent/images/archive.ts';
import { pauseImageName, writePauseImage } from '../../../node-agent/images/pause.ts';
import type { NodeDirectory } from '../data-directory.ts';

export const sandboxImage = pauseImageName;

/** Images of containerd's Kubernetes namespace, where the runtime looks for them. */
const imageNamespace = 'k8s.io';
const importTimeoutMs = 10 * 60_000;

/** Puts the built-in sandbox image into the node's runtime, so that no registry is needed to start a pod. */
export async function ensureSandboxImage(dir: NodeDirectory): Promise<void> {
  const present = await ctr(dir, ['images', 'ls', '--quiet', `name==${sandboxImage}`], 30_000);
  if (present.trim() !== '') return;
  const file = join(dir.root, 'pause.tar');
  await writePauseImage(file, machineArchitecture());
  await ctr(dir, ['images', 'import', file], 60_000);
}

/** Imports every image of an OCI layout or `docker save` archive; answers with their names. */
export async function loadImages(dir: NodeDirectory, file: string): Promise<string[]> {
  if (!existsSync(file)) throw new Error(`${file}: no such file`);
  const output = await ctr(dir, ['images', 'import', file], importTimeoutMs);
  return [...output.matchAll(/^unpacking (\S+) /gm)].map(([, name]) => name ?? '');
}

async function ctr(dir: NodeDirectory, args: string[], timeoutMs: number): Promise<string> {
  return await runCommand(
    'ctr',
    ['--address', dir.containerdSocket, '--namespace', imageNamespace, ...args],
    {
      timeoutMs,
    },
  );
}

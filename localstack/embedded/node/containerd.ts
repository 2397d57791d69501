/**
 * A node's own containerd: its configuration, root, state and socket lie under the data directory, so that a containerd
 * of the user's is never touched. It outlives a killed parent, and the next start takes it over with its containers.
 */
import { openSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import { readPidFile, removePidFile } from '../../../lib/process/identity.ts';
import { stopProcess } from '../../../lib/process/stop.ts';
import { type Supervised, supervise } from '../../../lib/process/supervise.ts';
import type { NodeDirectory } from '../data-directory.ts';
import { sandboxImage } from './images.ts';

/** The kernel's limit for the path of a Unix socket, without the closing zero. */
const maxSocketPath = 107;

export interface ContainerdOptions {
  dir: NodeDirectory;
  namespacePath: string;
  cniBinDir: string;
  logFile: string;
  clock: Clock;
  log: Logger;
}

export async function startContainerd(options: ContainerdOptions): Promise<Supervised> {
  const { dir, clock } = options;
  if (dir.containerdSocket.length > maxSocketPath) {
    throw new Error(
      `${dir.containerdSocket}: ${dir.containerdSocket.length} characters are too long for a socket (at most ${maxSocketPath}). Use a shorter --data-dir.`,
    );
  }
  writeFileSync(dir.containerdConfig, renderConfig(options));
  const running = readPidFile(dir.containerdPid);
  const log = openSync(options.logFile, 'a', 0o600);
  return await supervise({
    name: 'containerd',
    command: 'nsenter',
    args: [`--net=${options.namespacePath}`, '--', 'containerd', '--config', dir.containerdConfig],
    stdio: ['ignore', log, log],
    pidFile: dir.containerdPid,
    adopt: running,
    ready: () => answers(dir.containerdSocket),
    readyWithinMs: 20_000,
    hint: `see ${options.logFile}`,
    clock,
    log: options.log,
  });
}

/** Ends a containerd that nobody supervises any more. Its containers must be gone before. */
export async function stopLeftContainerd(dir: NodeDirectory, clock: Clock): Promise<void> {
  const running = readPidFile(dir.containerdPid);
  if (running) await stopProcess(running, { clock, graceMs: 10_000 });
  removePidFile(dir.containerdPid);
}

function renderConfig({ dir, cniBinDir }: ContainerdOptions): string {
  const text = JSON.stringify;
  return `# Written at every start of the cluster.
version = 2
root = ${text(dir.containerdRoot)}
state = ${text(dir.containerdState)}
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = ${text(dir.containerdSocket)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(sandboxImage)}
  # Without CAP_SYS_RESOURCE a score cannot be lowered below containerd's own.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(cniBinDir)}
    conf_dir = ${text(dir.cniConfig)}
`;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A machine that is no node yet: a network namespace on a cluster's bridge with a containerd of its own, and nothing else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { openDataDirectory } from '../../localstack/embedded/data-directory.ts';
import { startContainerd } from '../../localstack/embedded/node/containerd.ts';
import { ensureSandboxImage, loadImages } from '../../localstack/embedded/node/images.ts';
import { ensureNodeNetwork } from '../../localstack/embedded/node/network.ts';
import { nodeName, removeNodeTraces } from '../../localstack/embedded/node/node.ts';
import { stopAllPods } from '../../localstack/embedded/node/pods.ts';
import { cniBinDir } from '../../localstack/embedded/requirements.ts';
import { loadSettings } from '../../localstack/embedded/settings.ts';
import type { TestCluster } from './cluster.ts';

const log = createLogger('machine', 'warn');
const launcher = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'kumulus.mjs');

export interface JoiningMachine {
  nodeIp: string;
  stateDir: string;
  /** Runs `kumulus node join` there, with these words after those that say where everything of this machine is. */
  join(...args: string[]): Joining;
  loadImage(file: string): Promise<void>;
  /** Ends what runs on it, and takes it out of the kernel. */
  remove(): Promise<void>;
}

export interface Joining {
  output(): string;
  /** With the exit code; 137 after a kill. */
  ended: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

/** @param number its place on the bridge: one that no node of the cluster has */
export async function startJoiningMachine(cluster: TestCluster, number: number): Promise<JoiningMachine> {
  const settings = loadSettings(openDataDirectory(cluster.dataDir));
  const root = mkdtempSync(join(tmpdir(), 'kumulus-machine-'));
  const dir = openDataDirectory(root).node('machine');
  const { namespacePath, nodeIp } = await ensureNodeNetwork(settings, number);
  const containerd = await startContainerd({
    dir,
    namespacePath,
    cniBinDir: cniBinDir() ?? '',
    logFile: join(root, 'containerd.log'),
    clock: systemClock,
    log,
  });
  await ensureSandboxImage(dir);
  const stateDir = join(dir.root, 'state');
  const running = new Set<ChildProcess>();
  return {
    nodeIp,
    stateDir,
    join(...args) {
      mkdirSync(dir.root, { recursive: true });
      const words = [
        ['--cri-socket', `unix://${dir.containerdSocket}`],
        ['--state-dir', stateDir],
        ['--cni-conf-dir', dir.cniConfig],
        ['--cgroup-root', `/kumulus-${settings.id}/${nodeName(number)}`],
        ['--log-level', 'info'],
      ].flat();
      const child = spawn(
        'nsenter',
        [`--net=${namespacePath}`, '--', process.execPath, launcher, 'node', 'join', ...words, ...args],
        // A group of its own: the launcher and what it launches end as one.
        { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
      );
      running.add(child);
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      const ended = new Promise<number>((resolve) => {
        child.once('close', (code) => {
          running.delete(child);
          resolve(code ?? 137);
        });
      });
      return {
        output: () => output,
        ended,
        kill: (signal) => {
          if (child.pid !== undefined && running.has(child)) process.kill(-child.pid, signal);
        },
      };
    },
    loadImage: async (file) => void (await loadImages(dir, file)),
    async remove() {
      for (const child of running) {
        const ended = new Promise((resolve) => child.once('close', resolve));
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
        await ended;
      }
      await stopAllPods(dir, log);
      await containerd.stop(10_000);
      await removeNodeTraces(settings, number, dir);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

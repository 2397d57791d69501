import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../lib/clock.ts';
import { openCgroups } from '../../node-agent/cgroups/hierarchy.ts';
import { machineArchitecture } from '../../node-agent/images/archive.ts';
import { pauseImageName, writePauseImage } from '../../node-agent/images/pause.ts';

const run = promisify(execFile);

/** A containerd of a test's own: own root, state, socket and network namespace. Nothing else on the machine is touched. */
export interface TestContainerd {
  /** Everything below is in here; removed by `stop`. */
  dir: string;
  /** `unix:///tmp/…/containerd.sock` */
  endpoint: string;
  cniConfDir: string;
  netns: string;
  /** Unique to this instance, fit for names of interfaces. Control groups go under `/kumtest-<id>`. */
  id: string;
  ctr(...args: string[]): Promise<string>;
  importImage(file: string): Promise<void>;
  /** Kills containerd alone (containers go on) and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Why this machine cannot run containers; undefined where it can. With CI=true it must: throws instead of answering. */
export function whyNoContainers(): string | undefined {
  const reason = whatIsMissing();
  if (reason && process.env.CI === 'true') throw new Error(`${reason}, and with CI=true no test is left out`);
  return reason;
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'containers need Linux';
  if (process.getuid?.() !== 0) return 'containers need root';
  const missing = ['/usr/bin/containerd', '/usr/sbin/runc', '/usr/lib/cni/bridge', '/bin/busybox'].filter(
    (path) => !existsSync(path),
  );
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined;
}

export async function startContainerd(): Promise<TestContainerd> {
  const id = randomBytes(3).toString('hex');
  const dir = await mkdtemp(join(tmpdir(), `kumulus-cri-${id}-`));
  const netns = `kumtest-${id}`;
  const netnsPath = `/run/netns/${netns}`;
  const cniConfDir = join(dir, 'cni');
  const socket = join(dir, 'containerd.sock');
  await mkdir(cniConfDir);
  await writeFile(join(dir, 'config.toml'), configuration(dir, socket, cniConfDir));
  await run('ip', ['netns', 'add', netns]);
  await run('nsenter', [`--net=${netnsPath}`, 'ip', 'link', 'set', 'lo', 'up']);
  let child = await spawnContainerd(dir, netnsPath, socket);
  const ctr = async (...args: string[]) =>
    (await run('ctr', ['--address', socket, '-n', 'k8s.io', ...args], { maxBuffer: 1 << 26 })).stdout;
  const importImage = async (file: string) => {
    await ctr('images', 'import', file);
  };
  await writePauseImage(join(dir, 'pause.tar'), machineArchitecture());
  await importImage(join(dir, 'pause.tar'));
  return {
    dir,
    endpoint: `unix://${socket}`,
    cniConfDir,
    netns,
    id,
    ctr,
    importImage,
    async restart() {
      await end(child, 'SIGKILL');
      child = await spawnContainerd(dir, netnsPath, socket);
    },
    async stop() {
      await removeContainers(ctr);
      await end(child, 'SIGTERM');
      await unmountBelow(dir);
      await (await openCgroups(systemClock)).remove(`/kumtest-${id}`);
      await run('ip', ['netns', 'delete', netns]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function configuration(dir: string, socket: string, cniConfDir: string): string {
  return `version = 2
root = "${dir}/root"
state = "${dir}/state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "${pauseImageName}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cniConfDir}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${dir}/opt"
`;
}

async function spawnContainerd(dir: string, netnsPath: string, socket: string): Promise<ChildProcess> {
  const log = await open(join(dir, 'containerd.log'), 'a');
  const args = [`--net=${netnsPath}`, 'containerd', '--config', join(dir, 'config.toml')];
  const child = spawn('nsenter', args, { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const deadline = Date.now() + 90_000;
  for (;;) {
    try {
      await run('ctr', ['--address', socket, 'version']);
      return child;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        const tail = (await readFile(join(dir, 'containerd.log'), 'utf8')).slice(-2_000);
        throw new Error(`containerd did not start: ${tail}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/**
 * What a failed test left running. Shims are processes of their own: they end with their last task. One that ended between
 * the list and its removal is as good; what is left would show in the directory's removal.
 */
async function removeContainers(ctr: TestContainerd['ctr']): Promise<void> {
  const tasks = (await ctr('tasks', 'list', '--quiet')).split('\n').filter(Boolean);
  for (const task of tasks) await ctr('tasks', 'delete', '--force', task).catch(() => undefined);
  const containers = (await ctr('containers', 'list', '--quiet')).split('\n').filter(Boolean);
  for (const container of containers) await ctr('containers', 'delete', container).catch(() => undefined);
}

async function unmountBelow(dir: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`));
  for (const path of mounts.reverse()) await run('umount', ['--lazy', path]);
}

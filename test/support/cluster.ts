/** A whole cluster as a user starts it: `npm start` in a process of its own, with its own data directory and port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '../../lib/process/identity.ts';
import { stopProcess } from '../../lib/process/stop.ts';
import { systemClock } from '../../lib/clock.ts';
import { freePort } from './free-port.ts';
import { kubectlFor } from './kubectl.ts';

const root = join(import.meta.dirname, '..', '..');
const launcher = join(root, 'scripts', 'run.mjs');

export interface TestCluster {
  dataDir: string;
  port: number;
  kubeconfig: string;
  kubectl: ReturnType<typeof kubectlFor>;
  /** What `npm start` printed so far. */
  output(): string;
  /** As Ctrl-C does; resolves with the exit code once it has ended. */
  stop(): Promise<number>;
  /** `kill -9` of the launcher and of `kumulus up`, as one stroke. */
  kill(): Promise<void>;
  /** Starts again on the same data directory. */
  start(): Promise<void>;
  /** Stops it if it runs, and removes the data directory. */
  remove(): Promise<void>;
}

export async function startTestCluster(
  options: { args?: string[]; readyWithinMs?: number; dataDir?: string } = {},
): Promise<TestCluster> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'kumulus-e2e-'));
  const port = await freePort();
  const kubeconfig = join(dataDir, 'kubeconfig');
  let child: ChildProcess | undefined;
  let output = '';

  const start = async () => {
    output = '';
    const running = spawn(
      process.execPath,
      [
        launcher,
        'start',
        '--data-dir',
        dataDir,
        '--port',
        String(port),
        '--no-install',
        ...(options.args ?? []),
      ],
      // A group of its own, so that one signal reaches the launcher and what it launched.
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    child = running;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    for (const stream of [running.stdout, running.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('kumulus is ready')) resolve();
      });
    }
    running.on('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
    const timer = setTimeout(
      () => reject(new Error(`npm start was not ready in time:\n${output}`)),
      options.readyWithinMs ?? 180_000,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  };

  const exited = (running: ChildProcess): Promise<number> =>
    new Promise((resolve) => {
      if (running.exitCode !== null || running.signalCode !== null) resolve(running.exitCode ?? 137);
      else running.once('exit', (code) => resolve(code ?? 137));
    });

  const signalGroup = async (signal: NodeJS.Signals): Promise<number> => {
    const running = child;
    if (!running?.pid || running.exitCode !== null || running.signalCode !== null) return 0;
    process.kill(-running.pid, signal);
    return await exited(running);
  };

  const cluster: TestCluster = {
    dataDir,
    port,
    kubeconfig,
    kubectl: kubectlFor(kubeconfig),
    output: () => output,
    stop: () => signalGroup('SIGINT'),
    async kill() {
      const up = child?.pid === undefined ? undefined : identify(child.pid);
      await signalGroup('SIGKILL');
      if (up) await stopProcess(up, { clock: systemClock, graceMs: 0 });
    },
    start,
    async remove() {
      await cluster.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

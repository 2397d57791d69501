import { type StdioOptions, spawn } from 'node:child_process';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { identify, isAlive, type ProcessIdentity, removePidFile, writePidFile } from './identity.ts';
import { stopProcess } from './stop.ts';

export interface SuperviseOptions {
  name: string;
  command: string;
  args: readonly string[];
  stdio: StdioOptions;
  env?: NodeJS.ProcessEnv;
  /** Names the process for the next start. */
  pidFile: string;
  /** A process of an earlier start to go on with instead of a new one. */
  adopt?: ProcessIdentity | undefined;
  ready: () => Promise<boolean>;
  readyWithinMs: number;
  /** Where to look when it does not start. */
  hint: string;
  clock: Clock;
  log: Logger;
}

export interface Supervised {
  readonly pid: number;
  /** Ends it, with SIGTERM and, after `graceMs`, SIGKILL. */
  stop(graceMs: number): Promise<void>;
  /** Leaves it running and stops watching over it. */
  release(): void;
}

const firstDelayMs = 200;
const maxDelayMs = 30_000;
/** After running this long, a process that ends is started again as if for the first time. */
const stableMs = 60_000;

/**
 * Keeps one process running, in a session of its own so that a terminal's Ctrl-C does not reach it. A process that ends
 * is started again with a doubling delay, for as long as it is supervised.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { clock, log, name } = options;
  const stopping = new AbortController();
  let current = options.adopt ?? start(options);
  let loop: Promise<void> | undefined;
  try {
    await untilReady(options, () => current);
  } catch (error) {
    if (isAlive(current)) await stopProcess(current, { clock, graceMs: 2_000 });
    throw error;
  }
  loop = keepRunning();

  async function keepRunning(): Promise<void> {
    let delayMs = firstDelayMs;
    let startedAt = clock.now();
    while (!stopping.signal.aborted) {
      if (isAlive(current)) {
        await pause(250);
        continue;
      }
      if (clock.now() - startedAt > stableMs) delayMs = firstDelayMs;
      log.warn({ process: name, delayMs }, `${name} ended, starting it again (${options.hint})`);
      await pause(delayMs * (0.75 + Math.random() / 2));
      if (stopping.signal.aborted) return;
      delayMs = Math.min(delayMs * 2, maxDelayMs);
      startedAt = clock.now();
      try {
        current = start(options);
      } catch (error) {
        log.error({ process: name, error: messageOf(error) }, `${name} cannot be started`);
      }
    }
  }

  async function pause(ms: number): Promise<void> {
    try {
      await clock.sleep(ms, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    }
  }

  return {
    get pid() {
      return current.pid;
    },
    release: () => stopping.abort(),
    async stop(graceMs) {
      stopping.abort();
      await loop;
      const outcome = await stopProcess(current, { clock, graceMs });
      if (outcome === 'killed')
        log.warn({ process: name, graceMs }, `${name} did not end in time and was killed`);
      removePidFile(options.pidFile);
    },
  };
}

function start(options: SuperviseOptions): ProcessIdentity {
  const child = spawn(options.command, options.args, {
    stdio: options.stdio,
    detached: true,
    ...(options.env && { env: options.env }),
  });
  child.on('error', (error) =>
    options.log.error({ process: options.name, error: error.message }, 'cannot start'),
  );
  child.unref();
  if (child.pid === undefined) throw new Error(`${options.command} could not be started`);
  const identity = identify(child.pid);
  if (!identity) throw new Error(`${options.name} ended while starting: ${options.hint}`);
  writePidFile(options.pidFile, identity.pid);
  return identity;
}

async function untilReady(options: SuperviseOptions, current: () => ProcessIdentity): Promise<void> {
  const { clock } = options;
  const deadline = clock.now() + options.readyWithinMs;
  while (!(await options.ready())) {
    if (!isAlive(current())) throw new Error(`${options.name} ended while starting: ${options.hint}`);
    if (clock.now() > deadline) {
      throw new Error(
        `${options.name} was not ready within ${options.readyWithinMs / 1000} s: ${options.hint}`,
      );
    }
    await clock.sleep(25);
  }
}

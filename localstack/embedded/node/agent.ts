/** The node agent as a process of its own inside its node's network namespace. */
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import { readPidFile } from '../../../lib/process/identity.ts';
import { stopProcess } from '../../../lib/process/stop.ts';
import { type Supervised, supervise } from '../../../lib/process/supervise.ts';
import type { AgentConfig } from '../../../node-agent/config.ts';
import type { NodeDirectory } from '../data-directory.ts';

export const agentProgram = join(import.meta.dirname, '..', '..', '..', 'node-agent', 'main.ts');

export interface AgentOptions {
  dir: NodeDirectory;
  namespacePath: string;
  config: AgentConfig;
  logFile: string;
  /** On top of this process' own. */
  env?: NodeJS.ProcessEnv;
  ready: () => Promise<boolean>;
  /** Default a minute. */
  readyWithinMs?: number;
  clock: Clock;
  log: Logger;
}

export async function startAgent(options: AgentOptions): Promise<Supervised> {
  const { dir, clock } = options;
  writeFileSync(dir.agentConfig, `${JSON.stringify(options.config, null, 2)}\n`, { mode: 0o600 });
  // The agent of a killed start ends by itself when its lifeline breaks; two at once would fight over the pods.
  const left = readPidFile(dir.agentPid);
  if (left) await stopProcess(left, { clock, graceMs: 5_000 });
  const log = openSync(options.logFile, 'a', 0o600);
  return await supervise({
    name: 'node agent',
    command: 'nsenter',
    args: [
      `--net=${options.namespacePath}`,
      '--',
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      agentProgram,
      '--config',
      dir.agentConfig,
    ],
    stdio: ['pipe', log, log],
    ...(options.env && { env: { ...process.env, ...options.env } }),
    pidFile: dir.agentPid,
    ready: options.ready,
    readyWithinMs: options.readyWithinMs ?? 60_000,
    hint: `see ${options.logFile}`,
    clock,
    log: options.log,
  });
}

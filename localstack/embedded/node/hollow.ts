/** Simulated nodes for tests of scale: one process hosts all of them, and nothing of them is in the kernel. */
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import { readPidFile } from '../../../lib/process/identity.ts';
import { stopProcess } from '../../../lib/process/stop.ts';
import { supervise } from '../../../lib/process/supervise.ts';
import { defaultHollowCapacity, type HollowConfig } from '../../../node-agent/hollow/config.ts';
import { hollowRuntime } from '../../../node-agent/hollow/identity.ts';
import type { DataDirectory } from '../data-directory.ts';
import type { Pki } from '../pki.ts';
import { agentProgram } from './agent.ts';

export interface HollowOptions {
  data: DataDirectory;
  pki: Pki;
  count: number;
  server: string;
  logLevel: string;
  /** Whether the API has the Node as Ready. */
  ready: (nodeName: string) => Promise<boolean>;
  clock: Clock;
  log: Logger;
}

const namePrefix = 'hollow-';
/** Long enough for thousands of registrations on a small machine. */
const readyWithinMs = 10 * 60_000;

/** Starts `count` hollow nodes and resolves, with what ends them, once the API has all of them as Ready. */
export async function startHollowNodes(options: HollowOptions): Promise<() => Promise<void>> {
  const { data, pki, count, clock, log } = options;
  // One identity for all of them: no node's own may act for another.
  const client = await pki.certificate('hollow-nodes', {
    subject: { commonName: 'system:kumulus:hollow-nodes' },
    usages: ['client'],
  });
  const config: HollowConfig = {
    server: options.server,
    certificateAuthority: pki.caFile,
    clientCertificate: client.certificateFile,
    clientKey: client.keyFile,
    namePrefix,
    count,
    capacity: defaultHollowCapacity,
    logLevel: options.logLevel,
    parentLifeline: true,
  };
  writeFileSync(data.hollowConfig, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  const left = readPidFile(data.hollowPid);
  if (left) await stopProcess(left, { clock, graceMs: 5_000 });
  const logFile = join(data.logs, 'hollow-nodes.log');
  const output = openSync(logFile, 'a', 0o600);
  let next = 1;
  const running = await supervise({
    name: 'hollow nodes',
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      agentProgram,
      '--runtime',
      hollowRuntime,
      '--config',
      data.hollowConfig,
    ],
    stdio: ['pipe', output, output],
    pidFile: data.hollowPid,
    async ready() {
      while (next <= count && (await options.ready(`${namePrefix}${next}`))) next++;
      return next > count;
    },
    readyWithinMs,
    hint: `see ${logFile}`,
    clock,
    log,
  });
  return () => running.stop(5_000);
}

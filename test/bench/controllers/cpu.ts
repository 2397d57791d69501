import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPidFile } from '../../../lib/process/identity.ts';

/** Linux counts in hundredths of a second, whatever its own clock (proc(5), `sysconf(_SC_CLK_TCK)`). */
const msPerTick = 10;

/** CPU time in ms that the parts of a cluster have used since they began. */
export function cpuOf(dataDir: string): Map<string, number> {
  return new Map([
    ['control plane', cpuMs(join(dataDir, 'up.pid'))],
    ['hollow nodes', cpuMs(join(dataDir, 'hollow-nodes.pid'))],
  ]);
}

function cpuMs(pidFile: string): number {
  const identity = readPidFile(pidFile);
  if (!identity) throw new Error(`${pidFile}: nothing runs`);
  // The second field may hold anything, parentheses too: user and system time are the 14th and 15th.
  const [, rest = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${identity.pid}/stat`, 'utf8')) ?? [];
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}

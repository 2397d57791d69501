import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  residentMiB: number;
  cpuSeconds: number;
}

/** Clock ticks a second: fixed at 100 for /proc on every architecture that Linux runs Node.js on. */
const ticksPerSecond = 100;

/** What one process uses, by /proc. */
export function processUsage(pid: number): ProcessUsage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    residentMiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}

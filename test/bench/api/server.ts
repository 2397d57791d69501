/**
 * The API server of the benchmark, in a process of its own: the real one, with all its admission, over HTTPS on the
 * embedded store, every write synced to disk before its answer. Started by `fork`; talks to its parent by messages.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { startServer } from '../../support/api-server.ts';

export interface Started {
  port: number;
  ca: string;
  cert: string;
  key: string;
}

export interface Usage {
  /** Of all threads, since the start. */
  processorMs: number;
  residentBytes: number;
  /** The most that was resident since the last `reset`. */
  peakBytes: number;
}

export type ToServer = 'usage' | 'reset' | 'stop';

const server = await startServer();
const admin = await server.client('bench', 'system:masters');
process.send?.({
  port: server.port,
  ca: server.ca.certificate,
  cert: admin.certificate,
  key: admin.key,
} satisfies Started);

process.on('message', (message: ToServer) => {
  if (message === 'stop') {
    void server.close().then(() => process.disconnect());
    return;
  }
  // "5" sets the high-water mark back to what is resident now (proc(5), clear_refs).
  if (message === 'reset') writeFileSync('/proc/self/clear_refs', '5');
  const { user, system } = process.cpuUsage();
  const status = readFileSync('/proc/self/status', 'utf8');
  process.send?.({
    processorMs: (user + system) / 1000,
    residentBytes: kibibytes(status, 'VmRSS') * 1024,
    peakBytes: kibibytes(status, 'VmHWM') * 1024,
  } satisfies Usage);
});

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}

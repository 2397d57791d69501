import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Started, ToServer, Usage } from './server.ts';

export interface ServerProcess extends Started {
  /** `reset` begins a new high-water mark of memory. */
  usage(reset?: 'reset'): Promise<Usage>;
  stop(): Promise<void>;
}

const startTimeoutMs = 30_000;

/** KUMULUS_BENCH_SERVER_FLAGS are given to its Node.js, as in `--cpu-prof --cpu-prof-dir=/tmp/profiles`. */
export async function startServerProcess(): Promise<ServerProcess> {
  const flags = process.env['KUMULUS_BENCH_SERVER_FLAGS']?.split(' ').filter(Boolean) ?? [];
  const child = fork(join(import.meta.dirname, 'server.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning', ...flags],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const started = (await message(child, startTimeoutMs)) as Started;
  return {
    ...started,
    async usage(reset) {
      child.send((reset ?? 'usage') satisfies ToServer);
      return (await message(child, startTimeoutMs)) as Usage;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.send('stop' satisfies ToServer);
      const timer = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function message(child: ChildProcess, timeoutMs: number): Promise<unknown> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)]);
  const exited = once(child, 'exit', { signal }).then(() => {
    throw new Error('the benchmarked server ended by itself');
  });
  try {
    const [value] = (await Promise.race([once(child, 'message', { signal }), exited])) as [unknown];
    return value;
  } finally {
    over.abort();
    // It has lost the race, or its error is on its way to the caller; neither may count as unhandled.
    await exited.catch(() => undefined);
  }
}

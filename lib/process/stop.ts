import type { Clock } from '../clock.ts';
import { isAlive, type ProcessIdentity } from './identity.ts';

/** Asks a process to end, waits for it, and kills it when it has not ended after `graceMs`. */
export async function stopProcess(
  process_: ProcessIdentity,
  options: { clock: Clock; graceMs: number; signal?: NodeJS.Signals },
): Promise<'ended' | 'killed'> {
  send(process_, options.signal ?? 'SIGTERM');
  if (await ended(process_, options.clock, options.graceMs)) return 'ended';
  send(process_, 'SIGKILL');
  if (!(await ended(process_, options.clock, 5_000)))
    throw new Error(`process ${process_.pid} survived SIGKILL`);
  return 'killed';
}

function send(target: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function ended(target: ProcessIdentity, clock: Clock, withinMs: number): Promise<boolean> {
  const deadline = clock.now() + withinMs;
  while (isAlive(target)) {
    if (clock.now() >= deadline) return false;
    await clock.sleep(20);
  }
  return true;
}

/**
 * Which process a pid file means. A pid alone is not enough, since the kernel gives it out again: a process is the
 * same one only when its start time (in clock ticks since boot, field 22 of /proc/PID/stat) and the boot are the same.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  startTicks: string;
  bootId: string;
}

/** Undefined when there is no such process, or only its zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command name stands in parentheses and may hold anything; fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks: fields[19] ?? '', bootId: bootId() };
}

export function isAlive(process: ProcessIdentity): boolean {
  const now = identify(process.pid);
  return now !== undefined && now.startTicks === process.startTicks && now.bootId === process.bootId;
}

/** The process that a pid file names, if it still runs. */
export function readPidFile(path: string): ProcessIdentity | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const [pid, startTicks, boot] = text.trim().split(' ');
  const process = { pid: Number(pid), startTicks: startTicks ?? '', bootId: boot ?? '' };
  return isAlive(process) ? process : undefined;
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function writePidFile(path: string, pid: number): void {
  const process = identify(pid);
  if (!process) throw new Error(`process ${pid} is not running`);
  writeFileSync(`${path}.new`, `${process.pid} ${process.startTicks} ${process.bootId}\n`);
  renameSync(`${path}.new`, path);
}

export function removePidFile(path: string): void {
  rmSync(path, { force: true });
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: the process ended between opening its file and reading it.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type Clock, pause } from '../../../lib/clock.ts';
import type { ContainerLog } from '../../pods/lookup.ts';
import { fixedTimestamp, parseEntry } from './entry.ts';
import type { LogOptions } from './options.ts';
import { tailStart } from './tail.ts';

const chunkBytes = 64 << 10;
/** Runtimes write records of 16 KiB; what is longer by far is not a log. */
const maxRecordBytes = 1 << 20;
/** How often a file that nobody reports a change of is looked at, and the container's state asked for. */
const pollMs = 1000;
const newline = 0x0a;

/**
 * A container's output from its CRI log, as kubelet prints it: in chunks of whole records. With `follow` it goes on,
 * over rotations, until the container has ended or the signal aborts. What was rotated away before is not read.
 * Throws when the file cannot be opened.
 */
export async function* readLog(
  log: ContainerLog,
  options: LogOptions,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const format = formatter(options);
  let file = await open(log.logPath, 'r');
  let position = 0;
  try {
    if (options.tailLines !== undefined) position = await tailStart(file, options.tailLines);
    const changes = options.follow ? watchFile(log.logPath) : undefined;
    try {
      let rest: Buffer = Buffer.alloc(0);
      let ended = false;
      for (;;) {
        // Asked before the file is read to its end: what is written until then is seen.
        if (options.follow) ended = !(await log.isRunning());
        const change = changes?.next();
        for (;;) {
          const block = Buffer.alloc(chunkBytes);
          const { bytesRead } = await file.read(block, 0, chunkBytes, position);
          signal.throwIfAborted();
          if (bytesRead === 0) break;
          position += bytesRead;
          const { output, remainder, done } = format(Buffer.concat([rest, block.subarray(0, bytesRead)]));
          rest = remainder;
          if (output.length) yield output;
          if (done) return;
        }
        const next = options.follow ? await rotatedFile(log.logPath, file) : undefined;
        if (next) {
          const last = await file.stat();
          // Written between the last read and the rotation.
          if (last.size > position) {
            await next.close();
            continue;
          }
          await file.close();
          file = next;
          position = 0;
          rest = Buffer.alloc(0);
          continue;
        }
        if (!change || ended) {
          // A record without its newline is still output.
          const { output } = format(rest.length ? Buffer.concat([rest, Buffer.of(newline)]) : rest);
          if (output.length) yield output;
          return;
        }
        await firstOf(change, clock, signal);
      }
    } finally {
      changes?.close();
    }
  } finally {
    await file.close();
  }
}

interface Formatted {
  output: Buffer;
  remainder: Buffer;
  /** The limit of bytes or of records is reached. */
  done: boolean;
}

/** Turns records into what the reader asked for. Keeps count between calls. */
function formatter(options: LogOptions): (input: Buffer) => Formatted {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  // Without `follow`, what is written after the last records were looked for is not among them.
  let records = (options.follow ? undefined : options.tailLines) ?? Number.POSITIVE_INFINITY;
  const continued = { stdout: false, stderr: false };
  return (input) => {
    const parts: Buffer[] = [];
    let at = 0;
    while (left > 0 && records > 0) {
      let end = input.indexOf(newline, at);
      if (end < 0 && input.length - at > maxRecordBytes) end = input.length;
      if (end < 0) break;
      const entry = parseEntry(input.subarray(at, end));
      at = end + 1;
      if (!entry) continue;
      records--;
      const isContinuation = continued[entry.stream];
      continued[entry.stream] = entry.partial;
      if (options.stream !== 'All' && options.stream.toLowerCase() !== entry.stream) continue;
      if (options.sinceMs !== undefined && Date.parse(entry.timestamp) < options.sinceMs) continue;
      const pieces = [entry.text];
      if (options.timestamps && !isContinuation) {
        pieces.unshift(Buffer.from(`${fixedTimestamp(entry.timestamp)} `));
      }
      if (!entry.partial) pieces.push(Buffer.of(newline));
      const whole = Buffer.concat(pieces);
      const piece = whole.length > left ? whole.subarray(0, left) : whole;
      left -= piece.length;
      parts.push(piece);
    }
    return {
      output: Buffer.concat(parts),
      remainder: Buffer.from(input.subarray(Math.min(at, input.length))),
      done: left <= 0 || records <= 0,
    };
  };
}

/** The file that has taken the path since `current` was opened; undefined while it is the same, or none yet. */
async function rotatedFile(path: string, current: FileHandle): Promise<FileHandle | undefined> {
  const [now, then] = await Promise.all([stat(path).catch(notYet), current.stat()]);
  if (!now || now.ino === then.ino) return undefined;
  return await open(path, 'r').catch(notYet);
}

function notYet(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Tells of changes to a file and of others that take its name. Where the system cannot, nothing is told. */
function watchFile(path: string): { next(): Promise<void>; close(): void } {
  let changed = Promise.withResolvers<void>();
  const name = basename(path);
  const tell = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  try {
    const watcher = watch(dirname(path), (_event, file) => {
      if (file === null || file === name) tell();
    });
    watcher.on('error', () => watcher.close());
    return { next: () => changed.promise, close: () => watcher.close() };
  } catch {
    // No inotify instance left: the poll finds changes too, only later.
    return { next: () => changed.promise, close: () => undefined };
  }
}

async function firstOf(change: Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const timer = pause(clock, pollMs, AbortSignal.any([signal, over.signal]));
  await Promise.race([change, timer]);
  over.abort();
  signal.throwIfAborted();
}

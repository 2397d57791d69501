/** Audit events as JSON lines in a file that is turned over when it has grown (`--audit-log-maxsize`). */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/log.ts';
import type { AuditSink } from './event.ts';

export interface AuditLogOptions {
  /** `-` for standard output, which is never turned over. */
  path: string;
  /** Default 100 MiB. */
  maxSizeBytes?: number;
  /** Files that were turned over and are kept; the oldest go. Default 10. */
  maxBackups?: number;
  clock: Clock;
  log: Logger;
}

export interface AuditLog {
  sink: AuditSink;
  close(): void;
}

const defaultMaxSizeBytes = 100 * 1024 * 1024;

/**
 * Each event is in the file when the sink returns, so that no answer goes out whose event a crash could lose. An event
 * that cannot be written is told to the log and lost: requests go on, as upstream's blocking mode has it.
 * @throws Error when the file cannot be opened
 */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { path, maxSizeBytes = defaultMaxSizeBytes, maxBackups = 10, clock, log } = options;
  const isFile = path !== '-';
  if (isFile) mkdirSync(dirname(path), { recursive: true });
  let file = isFile ? openSync(path, 'a', 0o600) : 1;
  let sizeBytes = isFile ? fstatSync(file).size : 0;

  const turnOver = () => {
    closeSync(file);
    renameSync(path, backupName(path, clock.now()));
    file = openSync(path, 'a', 0o600);
    sizeBytes = 0;
    for (const old of backups(path).slice(0, maxBackups > 0 ? -maxBackups : undefined))
      rmSync(old, { force: true });
  };
  return {
    sink(event) {
      try {
        const line = Buffer.from(`${JSON.stringify(event)}\n`);
        if (isFile && sizeBytes > 0 && sizeBytes + line.byteLength > maxSizeBytes) turnOver();
        for (let done = 0; done < line.byteLength; ) done += writeSync(file, line, done);
        sizeBytes += line.byteLength;
      } catch (error) {
        log.error(
          { reason: messageOf(error), auditID: event.auditID },
          'an audit event could not be written',
        );
      }
    },
    close() {
      if (isFile) closeSync(file);
    },
  };
}

/** `audit-2026-01-02T03-04-05.678.log` of `audit.log` */
function backupName(path: string, nowMs: number): string {
  const extension = extname(path);
  const stamp = new Date(nowMs).toISOString().slice(0, 23).replaceAll(':', '-');
  return join(dirname(path), `${basename(path, extension)}-${stamp}${extension}`);
}

/** Oldest first. */
function backups(path: string): string[] {
  const extension = extname(path);
  const name = basename(path, extension);
  return readdirSync(dirname(path))
    .filter((one) => one.startsWith(`${name}-`) && one.endsWith(extension))
    .filter((one) =>
      /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(
        one.slice(name.length + 1, one.length - extension.length),
      ),
    )
    .sort()
    .map((one) => join(dirname(path), one));
}

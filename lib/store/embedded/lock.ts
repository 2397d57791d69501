import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KumulusError } from '../../errors.ts';

export interface WriterLock {
  release(): void;
}

/**
 * Makes this process the directory's one writer until it ends, however it ends. Node has no `flock`, but SQLite takes
 * a record lock of the operating system on its file, which the kernel drops with the process: so the lock is a
 * transaction left open on an empty database of its own. The file beside it only says who holds the lock.
 */
export function lockForWriting(dir: string): WriterLock {
  const holderFile = join(dir, 'writer.pid');
  const lock = new DatabaseSync(join(dir, 'writer.lock'), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    const holder = readHolder(holderFile);
    throw new KumulusError(
      'ServiceUnavailable',
      `${dir} is in use by another process${holder === undefined ? '' : ` (pid ${holder})`}: stop it, or choose another directory`,
      { cause },
    );
  }
  writeFileSync(holderFile, `${process.pid}\n`);
  return {
    release() {
      rmSync(holderFile, { force: true });
      lock.close();
    },
  };
}

function readHolder(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    // The holder has the lock already and is about to write its name.
    return undefined;
  }
}

import { KumulusError, messageOf } from '../../errors.ts';
import { throttled } from '../errors.ts';

/** SQLite's primary result codes that are told apart (https://www.sqlite.org/rescode.html). */
const busy = 5;
const full = 13;

/** The engine's error in the store's terms, and whether writing may go on after it. */
export function translateEngineError(error: unknown): { error: KumulusError; fatal: boolean } {
  const code = primaryCode(error);
  const message = messageOf(error);
  if (code === busy) {
    return { error: throttled('another process holds the database locked', { cause: error }), fatal: false };
  }
  if (code === full) {
    return {
      error: new KumulusError('ServiceUnavailable', `the disk is full: ${message}; nothing was written`, {
        cause: error,
        details: { retryAfterSeconds: 5 },
      }),
      fatal: false,
    };
  }
  return {
    error: new KumulusError('InternalError', `the database could not be written: ${message}`, {
      cause: error,
    }),
    fatal: true,
  };
}

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../clock.ts';

/** How long a token that was read is used without another look at its file. */
const recheckMs = 1_000;

/** A token in a file that others replace while we run (a projected service account token): read again once it changed. */
export function createTokenFile(path: string, clock: Clock): () => Promise<string> {
  let checkedAt = Number.NEGATIVE_INFINITY;
  let version = '';
  let token = '';
  return async () => {
    if (clock.now() - checkedAt < recheckMs) return token;
    const { mtimeMs, ino, size } = await stat(path);
    const found = `${mtimeMs}/${ino}/${size}`;
    if (found !== version) {
      token = (await readFile(path, 'utf8')).trim();
      version = found;
    }
    checkedAt = clock.now();
    return token;
  };
}

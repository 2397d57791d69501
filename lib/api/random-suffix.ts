import { randomFillSync } from 'node:crypto';

/** No vowels, and nothing that looks like one, so that no words come out (upstream's `rand.String`). */
const letters = 'bcdfghjklmnpqrstvwxz2456789';
/** Asking the system for a few bytes costs as much as asking for many. */
const pool = new Uint8Array(2048);
let used = pool.length;

/** What makes a generated name unlike the others: `x7k2q`. */
export function randomSuffix(length = 5): string {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let suffix = '';
  for (const byte of pool.subarray(used, used + length)) suffix += letters[byte % letters.length];
  used += length;
  return suffix;
}

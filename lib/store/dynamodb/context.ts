import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Blobs } from './body.ts';
import type { DynamoCalls } from './calls.ts';

/** What every part of the adapter works with. */
export interface Context {
  table: string;
  calls: DynamoCalls;
  blobs: Blobs;
  clock: Clock;
  log: Logger;
  random: () => number;
  historyMs: number;
}

/** Until when an entry written now is kept: twice as long as history promises. */
export function ttlSeconds({ clock, historyMs }: Context): number {
  return Math.ceil((clock.now() + 2 * historyMs) / 1000);
}

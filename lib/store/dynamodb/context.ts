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
  isQuiet?: IsQuiet | undefined;
}

/** Whether an update, from the one body to the other, leaves nothing to do for those who follow the table's stream. */
export type IsQuiet = (resource: string, before: Uint8Array, after: Uint8Array) => boolean;

/** Of history's length: how long a read may take that began within it. */
export const readingShare = 0.5;

/**
 * Until when an entry written now is kept: nothing that is within history was taken two histories ago (`horizonOf`), and
 * reads may take their time on top.
 */
export function ttlSeconds({ clock, historyMs }: Context): number {
  return Math.ceil((clock.now() + (2 + readingShare) * historyMs) / 1000);
}

import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Revision } from '../port.ts';

/**
 * The counter item of a resource type. `floor`: every revision at or below it is settled. `lastAtMs`: when the newest
 * revision was taken. `marks`: older heads with the time by which all of them had been taken, oldest first.
 */
export interface Counter {
  head: Revision;
  floor: Revision;
  lastAtMs: number;
  marks: Mark[];
}

export interface Mark {
  revision: Revision;
  atMs: number;
}

const mostMarks = 12;
const marksPerHistory = 8;

export function parseCounter(item: Record<string, AttributeValue> | undefined): Counter {
  return {
    head: Number(item?.head?.N ?? 0),
    floor: Number(item?.floor?.N ?? 0),
    lastAtMs: Number(item?.lastAt?.N ?? 0),
    marks: item?.marks?.S ? parseMarks(item.marks.S) : [],
  };
}

/** `revision@time,…`: one string, so that a condition can compare it with what was read. */
export function formatMarks(marks: readonly Mark[]): string {
  return marks.map(({ revision, atMs }) => `${revision}@${atMs}`).join(',');
}

function parseMarks(text: string): Mark[] {
  return text.split(',').map((mark) => {
    const [revision, atMs] = mark.split('@');
    return { revision: Number(revision), atMs: Number(atMs) };
  });
}

/**
 * How far back history reaches: every change that was taken less than `historyMs` ago is after this revision, and none that
 * was taken twice as long ago (a mark may be missing between two revisions that are less than history apart). It follows
 * from what the item says and the time, so that nobody has to keep it up to date, and an entry is past history before its
 * time to live ends (`ttlSeconds`).
 */
export function horizonOf({ head, lastAtMs, marks }: Counter, nowMs: number, historyMs: number): Revision {
  if (head > 0 && lastAtMs <= nowMs - historyMs) return head;
  let horizon = 0;
  for (const { revision, atMs } of marks)
    if (atMs <= nowMs - historyMs) horizon = Math.max(horizon, revision);
  return horizon;
}

/** The marks after a revision was taken, given the counter as it was before; undefined where they stay as they are. */
export function marksAfter(old: Counter, historyMs: number): Mark[] | undefined {
  if (old.head === 0) return undefined;
  const last = old.marks.at(-1);
  if (last && old.lastAtMs - last.atMs < historyMs / marksPerHistory) return undefined;
  return [...old.marks, { revision: old.head, atMs: old.lastAtMs }].slice(-mostMarks);
}

/** Sets of completion indexes as a Job writes them: `1,3-5,7` (API reference of JobStatus, `completedIndexes`). */
import { quote } from '../../validate/quote.ts';

/** The first and the last index. */
type Interval = readonly [first: number, last: number];

/**
 * How many indexes there are in the text, which must be in order and below `completions`.
 * @throws Error in the API's words
 */
export function countIndexes(text: string, completions: number): number {
  if (text === '') return 0;
  let total = 0;
  let previous: number | undefined;
  for (const part of text.split(',')) {
    const [first, last] = parseInterval(part, completions);
    if (previous !== undefined && previous >= first) throw notIncreasing(previous, first);
    total += last - first + 1;
    previous = last;
  }
  return total;
}

/** The first index that is in both; undefined where there is none. What cannot be read is passed over. */
export function firstCommonIndex(a: string, b: string, completions: number): number | undefined {
  const left = readableIntervals(a, completions);
  const right = readableIntervals(b, completions);
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [from, to] = left[i] as Interval;
    const [otherFrom, otherTo] = right[j] as Interval;
    if (from <= otherTo && otherFrom <= to) return Math.max(from, otherFrom);
    if (to < otherFrom) i++;
    else j++;
  }
  return undefined;
}

/** What can be read of the text, in its order. */
export function readableIntervals(text: string, completions: number): Interval[] {
  return text.split(',').flatMap((part) => {
    try {
      return [parseInterval(part, completions)];
    } catch {
      // Whoever checks the format tells of it.
      return [];
    }
  });
}

function parseInterval(text: string, completions: number): Interval {
  const limits = text.split('-');
  if (limits.length > 2) {
    throw new Error(
      `the fragment ${quote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    );
  }
  const [first = '', last] = limits;
  const from = parseIndex(first, completions);
  if (last === undefined) return [from, from];
  const to = parseIndex(last, completions);
  if (from >= to) throw notIncreasing(from, to);
  return [from, to];
}

function parseIndex(text: string, completions: number): number {
  const index = Number(text);
  if (!/^\+?\d+$/.test(text) || !Number.isSafeInteger(index)) {
    throw new Error(`cannot convert string to integer for index: ${quote(text)}`);
  }
  if (index >= completions) throw new Error(`too large index: ${quote(text)}`);
  return index;
}

function notIncreasing(previous: number, current: number): Error {
  return new Error(`non-increasing order, previous: ${previous}, current: ${current}`);
}

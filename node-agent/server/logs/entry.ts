/** One record of a CRI log: `2026-01-01T00:00:00.000000001Z stdout F text` and a newline. */
export interface LogEntry {
  /** As written by the runtime. */
  timestamp: string;
  stream: 'stdout' | 'stderr';
  /** The first part of a line that goes on in the next record. */
  partial: boolean;
  text: Buffer;
}

const space = 0x20;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Undefined for what is not of the format, as a record that was cut off by a crash. */
export function parseEntry(record: Buffer): LogEntry | undefined {
  const afterTime = record.indexOf(space);
  const afterStream = record.indexOf(space, afterTime + 1);
  if (afterTime < 0 || afterStream < 0) return undefined;
  const found = record.indexOf(space, afterStream + 1);
  const afterTags = found < 0 ? record.length : found;
  const timestamp = record.toString('latin1', 0, afterTime);
  const stream = record.toString('latin1', afterTime + 1, afterStream);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  if (!rfc3339.test(timestamp)) return undefined;
  const tags = record.toString('latin1', afterStream + 1, afterTags).split(':');
  return { timestamp, stream, partial: tags[0] === 'P', text: record.subarray(afterTags + 1) };
}

/** With nine decimals, whatever the runtime wrote, so that columns stay in line. */
export function fixedTimestamp(timestamp: string): string {
  const match = /^([^.Z+]+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(timestamp);
  return match ? `${match[1]}.${(match[2] ?? '').padEnd(9, '0').slice(0, 9)}${match[3]}` : timestamp;
}

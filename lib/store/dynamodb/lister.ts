import { tooLargeRevision, tooOld } from '../errors.ts';
import { compareKeys } from '../keys.ts';
import type { Entry, ListOptions, Page, Revision } from '../port.ts';
import { withRetries } from './aws-errors.ts';
import { decompress } from './body.ts';
import type { Context } from './context.ts';
import { type Item, type ObjectItem, parseObject } from './items.ts';
import type { LogChange, LogReader } from './log-reader.ts';

/**
 * A snapshot from a scan that is none. DynamoDB reads a partition while it changes; but the log says everything that
 * changed since the scan began, with the state before and after, so that what was scanned can be brought to one revision:
 *
 *     floor ......... the scan sees every change at or below it, as it was settled so long ago that it is applied
 *     scan            each key at some moment between floor and head
 *     head ......... read after the scan: nothing scanned is newer
 *     log (floor, head]  overrides every key that it names: forward to `at`, and back from what came after `at`
 */
export async function listSnapshot(
  context: Context,
  reader: LogReader,
  resource: string,
  prefix: string,
  { at, limit, after = '' }: ListOptions,
): Promise<Page> {
  const before = await reader.counter(resource);
  if (at !== undefined && at > before.head) throw tooLargeRevision(at, before.head);
  if (at !== undefined && at < reader.horizon(before)) throw tooOld('list');
  const floor = reader.applied(resource);
  const scan = scanObjects(context, resource, prefix, after);
  const scanned: ObjectItem[] = [];
  let end: string | undefined = after;
  for (;;) {
    while (end !== undefined && (!limit || scanned.length <= limit)) {
      const step = await scan.next();
      if (step.done) end = undefined;
      else {
        scanned.push(...step.value.objects);
        end = step.value.end;
      }
    }
    const head = await reader.counter(resource);
    const revision: Revision = at ?? head.head;
    const changed = await reader.read(resource, Math.min(floor, revision), head.head, before);
    const range = rangeOf(prefix, after, end);
    const states = await statesAt(reader, changed, revision, scanned, range);
    const merged = merge(scanned, states);
    if (!limit || end === undefined || merged.length > limit) {
      const page = limit ? merged.slice(0, limit) : merged;
      const entries = await Promise.all(page.map((state) => toEntry(context, state)));
      return { entries, revision, more: page.length < merged.length };
    }
    // The log took away so much that the page is not full: scan on.
    const step = await scan.next();
    if (step.done) end = undefined;
    else {
      scanned.push(...step.value.objects);
      end = step.value.end;
    }
  }
}

type State = ObjectItem | Entry;

/** Whether a key is in the range that was scanned, up to the key `end` (undefined: all). */
function rangeOf(prefix: string, after: string, end: string | undefined): (key: string) => boolean {
  return (key) =>
    key.startsWith(prefix) &&
    compareKeys(key, after) > 0 &&
    (end === undefined || compareKeys(key, end) <= 0);
}

/**
 * What overrides the scan: the keys of the range that changed, as they are at `at`; undefined where there is nothing. Not those
 * whose state at `at` is what was scanned, as a body of the log costs more to read than all else here.
 */
async function statesAt(
  reader: LogReader,
  changed: readonly LogChange[],
  at: Revision,
  scanned: readonly ObjectItem[],
  isInRange: (key: string) => boolean,
): Promise<Map<string, State | undefined>> {
  /** By key the last change up to `at`, or the first one after it where there is no other. */
  const deciding = new Map<string, LogChange>();
  for (const entry of changed) {
    if (!isInRange(entry.key) || (entry.revision > at && deciding.has(entry.key))) continue;
    deciding.set(entry.key, entry);
  }
  for (const { key, revision } of scanned)
    if (revision <= at && deciding.get(key)?.revision === revision) deciding.delete(key);
  const state = async (entry: LogChange): Promise<State | undefined> => {
    const isPast = entry.revision <= at;
    if (isPast ? entry.kind === 'delete' : entry.previous === 0) return undefined;
    const change = await reader.change(entry);
    return isPast ? change.after : change.before;
  };
  return new Map(
    await Promise.all([...deciding].map(async ([key, entry]) => [key, await state(entry)] as const)),
  );
}

/** What was scanned, overridden by the states; in key order. */
function merge(scanned: readonly ObjectItem[], states: ReadonlyMap<string, State | undefined>): State[] {
  const untouched: State[] = scanned.filter(({ key, packed }) => packed !== undefined && !states.has(key));
  const touched = [...states.values()].filter((state) => state !== undefined);
  if (touched.length === 0) return untouched;
  return [...untouched, ...touched].sort((a, b) => compareKeys(a.key, b.key));
}

async function toEntry({ blobs }: Context, state: State): Promise<Entry> {
  if ('body' in state) return state;
  const { key, revision, packed = { bytes: new Uint8Array(0) } } = state;
  return { key, revision, body: decompress(await blobs.unpack(packed)) };
}

/** The type's objects in key order, deletions included, page by page with the last key that the page covers. */
async function* scanObjects(
  context: Context,
  resource: string,
  prefix: string,
  after: string,
): AsyncGenerator<{ objects: ObjectItem[]; end: string | undefined }> {
  const { calls, table } = context;
  const pk = { S: `o#${resource}` };
  const isPast = after !== '' && compareKeys(after, prefix) >= 0;
  let ExclusiveStartKey: Item | undefined = isPast ? { pk, sk: { S: after } } : undefined;
  do {
    const page = await withRetries(context, () =>
      calls.query({
        TableName: table,
        KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': pk, ...(prefix !== '' && { ':prefix': { S: prefix } }) },
        ConsistentRead: true,
        ExclusiveStartKey,
      }),
    );
    ExclusiveStartKey = page.LastEvaluatedKey;
    yield { objects: (page.Items ?? []).map(parseObject), end: ExclusiveStartKey?.sk?.S };
  } while (ExclusiveStartKey);
}

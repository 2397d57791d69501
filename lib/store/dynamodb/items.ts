import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Revision } from '../port.ts';
import type { Packed } from './body.ts';

export type Item = Record<string, AttributeValue>;

/** Log entries of one partition: enough that a read seldom needs two, few enough that a busy log is spread. */
const blockRevisions = 1000;
const revisionDigits = 16;

export const objectKey = (resource: string, key: string) => ({ pk: { S: `o#${resource}` }, sk: { S: key } });
export const counterKey = (resource: string) => ({ pk: { S: `c#${resource}` }, sk: { S: 'rv' } });
export const resourceKey = (resource: string) => ({ pk: { S: 'resources' }, sk: { S: resource } });
export const logKey = (resource: string, revision: Revision) => ({
  pk: { S: logPartition(resource, revision) },
  sk: { S: paddedRevision(revision) },
});
export const logPartition = (resource: string, revision: Revision) =>
  `l#${resource}#${Math.floor(revision / blockRevisions)}`;
export const paddedRevision = (revision: Revision) => String(revision).padStart(revisionDigits, '0');
/** The last revision in the same partition. */
export const blockEnd = (revision: Revision) =>
  (Math.floor(revision / blockRevisions) + 1) * blockRevisions - 1;

/** An object as it is stored; without a body it was deleted, and only its revision is kept for a while. */
export interface ObjectItem {
  key: string;
  revision: Revision;
  packed: Packed | undefined;
}

export function formatObject(
  resource: string,
  { key, revision, packed }: ObjectItem,
  ttlSeconds?: number,
): Item {
  return {
    ...objectKey(resource, key),
    rv: { N: String(revision) },
    ...(packed && formatPacked(packed)),
    ...(ttlSeconds !== undefined && { ttl: { N: String(ttlSeconds) } }),
  };
}

export function parseObject(item: Item): ObjectItem {
  return { key: item.sk?.S ?? '', revision: Number(item.rv?.N), packed: parsePacked(item) };
}

/** `gap`: the revision was given up, and nothing changed at it. */
export type LogItem =
  | { kind: 'gap'; revision: Revision }
  | {
      kind: 'put' | 'delete';
      revision: Revision;
      /** Which attempt wrote it, so that a writer whose answer got lost knows its own. */
      writer: string;
      key: string;
      /** The state after (for a deletion the last one), and behind it the state before; compressed as one. */
      packed: Packed;
      /** Bytes of the state after, once decompressed. */
      afterBytes: number;
      /** Revision of the state before; 0 when there was none. */
      previous: Revision;
      /** Nobody follows the table's stream for it: its filter looks for the kind. */
      isQuiet?: boolean;
    };

/** The kinds of entry that whoever follows the table's stream has something to do for. */
export const loudKinds = ['put', 'delete'] as const;
const quietPut = 'quiet';

export function formatLog(resource: string, log: LogItem, ttlSeconds: number): Item {
  const kind = log.kind === 'put' && log.isQuiet ? quietPut : log.kind;
  const head = { ...logKey(resource, log.revision), t: { S: kind }, ttl: { N: String(ttlSeconds) } };
  if (log.kind === 'gap') return head;
  return {
    ...head,
    k: { S: log.key },
    w: { S: log.writer },
    n: { N: String(log.afterBytes) },
    pv: { N: String(log.previous) },
    ...formatPacked(log.packed),
  };
}

export function parseLog(item: Item): LogItem {
  const revision = Number(item.sk?.S);
  const kind = item.t?.S === quietPut ? 'put' : item.t?.S;
  if (kind !== 'put' && kind !== 'delete') return { kind: 'gap', revision };
  return {
    kind,
    revision,
    writer: item.w?.S ?? '',
    key: item.k?.S ?? '',
    packed: parsePacked(item) ?? { bytes: new Uint8Array(0) },
    afterBytes: Number(item.n?.N),
    previous: Number(item.pv?.N),
  };
}

function formatPacked(packed: Packed): Item {
  if ('bytes' in packed) return { b: { B: packed.bytes } };
  return { bid: { S: packed.blob }, bn: { N: String(packed.parts) } };
}

function parsePacked(item: Item): Packed | undefined {
  if (item.b?.B) return { bytes: item.b.B };
  if (item.bid?.S) return { blob: item.bid.S, parts: Number(item.bn?.N) };
  return undefined;
}

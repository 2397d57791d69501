/**
 * Usage that has been charged to a quota for writes that may still be under way. It stands in an annotation of the
 * quota, written in one commit with `status.used`: a recount that does not see such an object yet counts it all the
 * same, so that it never takes back what was just promised. A recount that sees the object drops the entry.
 */
import type { ResourceQuota } from '../gen/types.ts';
import { own } from '../validate/own.ts';
import type { Amounts } from './amounts.ts';

export const pendingAnnotation = 'quota.kumulus.io/pending';

/** A write that was charged this long ago has been made, or has failed. */
export const pendingMs = 30_000;

/** So many at most; a quota that has more is told to wait for the recount. */
export const maxPending = 500;

export interface PendingUsage {
  /** Of the object that is being written. */
  uid: string;
  /** `pods`, `deployments.apps` */
  resource: string;
  usage: Amounts;
  /** When it was charged, in milliseconds since the epoch. */
  at: number;
  /** For a change: the object's `resourceVersion` before it. */
  before?: string;
}

/** What a quota's annotation says. What cannot be read was not written by the server, and is nothing. */
export function pendingOf({ metadata }: ResourceQuota): PendingUsage[] {
  const text = own(metadata.annotations, pendingAnnotation);
  if (text === undefined) return [];
  try {
    const entries: unknown = JSON.parse(text);
    return Array.isArray(entries) ? entries.filter(isPending) : [];
  } catch {
    return [];
  }
}

function isPending(entry: unknown): entry is PendingUsage {
  if (typeof entry !== 'object' || entry === null) return false;
  const { uid, resource, usage, at } = entry as Partial<PendingUsage>;
  if (typeof uid !== 'string' || typeof resource !== 'string' || typeof at !== 'number') return false;
  return typeof usage === 'object' && usage !== null && Object.values(usage).every(isAmount);
}

const isAmount = (value: unknown): boolean =>
  typeof value === 'string' && /^[0-9.]+(?:[a-zA-Z][a-zA-Z0-9]*)?$/.test(value);

/** The annotations with these entries; without the annotation where there are none. */
export function withPending(
  annotations: Readonly<Record<string, string>> | undefined,
  entries: readonly PendingUsage[],
): Record<string, string> | undefined {
  const { [pendingAnnotation]: _, ...others } = annotations ?? {};
  if (entries.length > 0) return { ...others, [pendingAnnotation]: JSON.stringify(entries) };
  return Object.keys(others).length > 0 ? others : undefined;
}

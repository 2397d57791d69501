import type { CoreV1Event } from '../api/gen/types.ts';
import type { Clock } from '../clock.ts';

/** client-go's defaults (tools/record/events_cache.go): they decide what users see in `kubectl describe`. */
const limits = {
  cacheEntries: 4096,
  /** Different messages of one kind within the interval, before they are combined. */
  similarEvents: 10,
  similarIntervalMs: 600_000,
  /** Events of one source about one object: this many at once, then one in five minutes. */
  spamBurst: 25,
  spamRefillMs: 300_000,
};

/** What to write: a first occurrence, a repeated one, or nothing because its source talks too much about this object. */
export type Correlated = Repeatable | { op: 'drop' };

export type Repeatable =
  | { op: 'create'; key: string; event: CoreV1Event }
  | { op: 'repeat'; key: string; event: CoreV1Event; count: number };

export interface EventCorrelator {
  correlate(event: CoreV1Event): Correlated;
  /** Remembers the event as it was stored, so that the next like it is a repetition of this one. */
  stored(key: string, event: CoreV1Event): void;
  /** Forgets an event that the server no longer has. */
  forget(key: string): void;
}

interface Similar {
  messages: Set<string>;
  lastAt: number;
}

interface Seen {
  name: string;
  count: number;
  firstTimestamp: string | undefined;
}

/** Aggregates, counts and limits events as client-go's EventCorrelator does, in that order. */
export function createEventCorrelator(clock: Clock): EventCorrelator {
  const similar = new Map<string, Similar>();
  const seen = new Map<string, Seen>();
  const buckets = new Map<string, { tokens: number; at: number }>();

  /** Past the limit, events that differ only in their message become one. */
  function aggregate(event: CoreV1Event): { event: CoreV1Event; key: string } {
    const key = keyOf(event);
    const fullKey = `${key}\0${event.message}`;
    const known = similar.get(key);
    const record =
      known && clock.now() - known.lastAt <= limits.similarIntervalMs
        ? known
        : { messages: new Set<string>(), lastAt: 0 };
    record.lastAt = clock.now();
    record.messages.add(event.message ?? '');
    remember(similar, key, record);
    if (record.messages.size < limits.similarEvents) return { event, key: fullKey };
    for (const first of record.messages) {
      record.messages.delete(first);
      break;
    }
    return { event: { ...event, message: `(combined from similar events): ${event.message}` }, key };
  }

  function isSpam(event: CoreV1Event): boolean {
    const { involvedObject: about, source } = event;
    const key = [
      source?.component,
      source?.host,
      about.kind,
      about.namespace,
      about.name,
      about.uid,
      about.apiVersion,
    ].join('\0');
    const now = clock.now();
    const bucket = buckets.get(key) ?? { tokens: limits.spamBurst, at: now };
    bucket.tokens = Math.min(limits.spamBurst, bucket.tokens + (now - bucket.at) / limits.spamRefillMs);
    bucket.at = now;
    remember(buckets, key, bucket);
    if (bucket.tokens < 1) return true;
    bucket.tokens -= 1;
    return false;
  }

  return {
    correlate(original) {
      const { event, key } = aggregate(original);
      const before = seen.get(key);
      if (isSpam(original)) return { op: 'drop' };
      if (!before) return { op: 'create', key, event };
      const count = before.count + 1;
      remember(seen, key, { ...before, count });
      const repeated = {
        ...event,
        metadata: { ...event.metadata, name: before.name },
        firstTimestamp: before.firstTimestamp,
        count,
      };
      return { op: 'repeat', key, event: repeated, count };
    },
    stored(key, event) {
      remember(seen, key, {
        name: event.metadata.name ?? '',
        count: Math.max(event.count ?? 1, seen.get(key)?.count ?? 0),
        firstTimestamp: event.firstTimestamp,
      });
    },
    forget(key) {
      seen.delete(key);
    },
  };
}

function keyOf(event: CoreV1Event): string {
  const { source, involvedObject: about } = event;
  return [
    source?.component,
    source?.host,
    about.kind,
    about.namespace,
    about.name,
    about.fieldPath,
    about.uid,
    about.apiVersion,
    event.type,
    event.reason,
    event.reportingComponent,
    event.reportingInstance,
  ].join('\0');
}

/** A Map keeps the order of insertion: the least recently used entry is the first. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limits.cacheEntries) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

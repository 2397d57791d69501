import type { CoreV1Event, EventsV1Event } from '../../../lib/api/gen/types.ts';
import { tooManyRequests } from '../../../lib/api/status.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';

export const eventLimitTypes = ['Server', 'Namespace', 'User', 'SourceAndObject'] as const;

/** As in `eventratelimit.admission.k8s.io/v1alpha1 Configuration`. */
export interface EventLimit {
  type: (typeof eventLimitTypes)[number];
  /** Events a second, in the long run. */
  qps: number;
  /** Events at once. */
  burst: number;
  /** How many namespaces, users or sources are remembered; the one unused for longest is forgotten first. */
  cacheSize?: number;
}

const defaultCacheSize = 4096;

/** Keeps a flood of events from the store. Each server process counts by itself. */
export function eventRateLimit(clock: Clock, limits: readonly EventLimit[]): AdmissionPlugin {
  const buckets = limits.map((limit) => ({ limit, take: createBuckets(clock, limit) }));
  return {
    name: 'EventRateLimit',
    types: ['events'],
    validate(attributes) {
      const { entry, operation, subresource, dryRun } = attributes;
      const isWrite = operation === 'CREATE' || operation === 'UPDATE';
      if (entry.storage !== 'events' || subresource !== '' || !isWrite || dryRun) return Promise.resolve();
      const refused = buckets.flatMap(({ limit, take }) => {
        const key = keyOf(limit, attributes);
        return take(key) ? [] : [`limit reached on type ${limit.type} for key ${key}`];
      });
      if (refused.length === 0) return Promise.resolve();
      return Promise.reject(tooManyRequests(refused.join(', '), 1));
    },
  };
}

function keyOf({ type }: EventLimit, { namespace, user, object }: AdmissionAttributes): string {
  switch (type) {
    case 'Server':
      return '';
    case 'Namespace':
      return namespace;
    case 'User':
      return user.username;
    case 'SourceAndObject': {
      const event = object as unknown as CoreV1Event & EventsV1Event;
      const source = event.source ?? event.deprecatedSource ?? {};
      const about = event.involvedObject ?? event.regarding ?? {};
      const { kind, namespace: place, name, uid, apiVersion } = about;
      return [source.component, source.host, kind, place, name, uid, apiVersion]
        .map((one) => one ?? '')
        .join('');
    }
  }
}

/** Token buckets by key: each fills at `qps`, up to `burst`. */
function createBuckets(clock: Clock, { qps, burst, cacheSize = defaultCacheSize }: EventLimit) {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (key: string): boolean => {
    const now = clock.now();
    const before = buckets.get(key) ?? { tokens: burst, at: now };
    buckets.delete(key);
    const tokens = Math.min(burst, before.tokens + (Math.max(0, now - before.at) / 1000) * qps);
    const isAllowed = tokens >= 1;
    buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, at: now });
    if (buckets.size > cacheSize) {
      const oldest = buckets.keys().next().value;
      if (oldest !== undefined) buckets.delete(oldest);
    }
    return isAllowed;
  };
}

import type { Clock } from '../../lib/clock.ts';

/** Waiting times that double with each failure of a key, up to a maximum, and are forgotten after twice that maximum. */
export interface Backoff {
  /** Notes a failure at `eventMs` and sets how long to wait after the next one. */
  next(key: string, eventMs: number): void;
  /** How long the key still has to wait, counted from `eventMs`; 0 when it need not. */
  remainingMs(key: string, eventMs: number): number;
  /** As `remainingMs`, counted from the last call of `next`. */
  remainingSinceUpdateMs(key: string): number;
  /** The key's present waiting time. */
  get(key: string): number;
  reset(key: string): void;
  /** Forgets keys that have expired. */
  collect(): void;
}

/** kubelet's values: CrashLoopBackOff and ImagePullBackOff both start at 10 s and end at 5 minutes. */
export const startBackoff = { initialMs: 10_000, maxMs: 300_000 };

export function createBackoff(clock: Clock, { initialMs, maxMs } = startBackoff): Backoff {
  const entries = new Map<string, { durationMs: number; updatedMs: number }>();
  const expired = (eventMs: number, updatedMs: number) => eventMs - updatedMs > 2 * maxMs;

  const remaining = (key: string, eventMs: (entry: { updatedMs: number }) => number) => {
    const entry = entries.get(key);
    if (!entry) return 0;
    const since = eventMs(entry);
    if (expired(since, entry.updatedMs)) return 0;
    return Math.max(0, since + entry.durationMs - clock.now());
  };

  return {
    next(key, eventMs) {
      const entry = entries.get(key);
      const durationMs =
        !entry || expired(eventMs, entry.updatedMs) ? initialMs : Math.min(entry.durationMs * 2, maxMs);
      entries.set(key, { durationMs, updatedMs: clock.now() });
    },
    remainingMs: (key, eventMs) => remaining(key, () => eventMs),
    remainingSinceUpdateMs: (key) => {
      const entry = entries.get(key);
      if (entry && clock.now() - entry.updatedMs > 2 * maxMs) return 0;
      return remaining(key, ({ updatedMs }) => updatedMs);
    },
    get: (key) => entries.get(key)?.durationMs ?? 0,
    reset: (key) => void entries.delete(key),
    collect() {
      for (const [key, entry] of entries) {
        if (clock.now() - entry.updatedMs > 2 * maxMs) entries.delete(key);
      }
    },
  };
}

/** A duration as Go prints it: `10s`, `2m40s`, `5m0s`. */
export function goDuration(ms: number): string {
  if (ms < 1_000) return ms === 0 ? '0s' : `${trim(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${trim((ms % 60_000) / 1_000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trim(value: number): string {
  return String(Number(value.toFixed(3)));
}

import type { Pod, PodStatus } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { isTerminalPhase } from './api-status.ts';
import { statusPatch } from './status-patch.ts';
import type { PodWriter } from './sources.ts';

/**
 * Reports pods' statuses to the API, behind the sync loops' backs: one write at a time for a pod, always the newest
 * status, so that a slow API server costs freshness and nothing else. What is not written when the agent dies is
 * found out again from the runtime.
 */
export interface StatusManager {
  /** The status as the agent last made it; what the API shows where it has made none yet. */
  get(uid: string): PodStatus | undefined;
  set(pod: Persisted<Pod>, status: PodStatus): void;
  /** Resolves once the newest status is written, or cannot be. */
  flushed(uid: string): Promise<void>;
  forget(uid: string): void;
}

const maxAttempts = 6;

interface Entry {
  pod: Persisted<Pod>;
  status: PodStatus;
  /** What the API is known to hold. */
  written: PodStatus;
  writing: Promise<void> | undefined;
}

export function createStatusManager(
  writer: PodWriter,
  options: { clock: Clock; random: () => number; log: Logger; signal: AbortSignal },
): StatusManager {
  const { clock, random, log, signal } = options;
  const entries = new Map<string, Entry>();

  async function write(entry: Entry): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts && !signal.aborted; ) {
      const { status, pod } = entry;
      const patch = statusPatch(entry.written, status);
      if (!patch) return;
      try {
        const stored = await writer.patchStatus(pod, withClearedReasons(patch, entry.written));
        entry.written = stored.status ?? {};
        attempt = 0;
        if (entry.status === status) return;
      } catch (error) {
        if (isKind(error, 'NotFound')) return;
        log.warn({ err: messageOf(error), pod: pod.metadata.uid }, 'a pod status could not be written');
        await pause(clock, backoffMs(attempt++, { baseMs: 200, maxMs: 5_000, random }), signal);
      }
    }
    // The next sync of the pod tries again.
  }

  return {
    get: (uid) => entries.get(uid)?.status,
    set(pod, status) {
      const entry = entries.get(pod.metadata.uid) ?? {
        pod,
        status,
        written: pod.status ?? {},
        writing: undefined,
      };
      entries.set(pod.metadata.uid, entry);
      // A pod's phase never leaves a final one.
      if (isTerminalPhase(entry.status.phase) && !isTerminalPhase(status.phase)) {
        status.phase = entry.status.phase;
      }
      entry.pod = pod;
      entry.status = status;
      entry.writing ??= write(entry).finally(() => {
        entry.writing = undefined;
      });
    },
    async flushed(uid) {
      await entries.get(uid)?.writing;
    },
    forget: (uid) => void entries.delete(uid),
  };
}

/** A merge keeps what is not mentioned: a reason or message that a condition no longer has is taken back by null. */
function withClearedReasons(patch: object, written: PodStatus): object {
  const conditions = (patch as PodStatus).conditions?.map((condition) => {
    const before = written.conditions?.find(({ type }) => type === condition.type);
    return {
      ...condition,
      ...(before?.reason && !condition.reason ? { reason: null } : {}),
      ...(before?.message && !condition.message ? { message: null } : {}),
    };
  });
  return conditions ? { ...patch, conditions } : patch;
}

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
  /** Told of a pod as the API has it: where somebody else changed what is the node's to say, it is said again. */
  seen(pod: Persisted<Pod>): void;
  /** Resolves once the newest status is written, or cannot be. */
  flushed(uid: string): Promise<void>;
  forget(uid: string): void;
}

const maxAttempts = 6;
/** As kubelet's status manager: how long another's word may stand, so that two who disagree do not take turns at once. */
const reconcileMs = 10_000;

interface Entry {
  pod: Persisted<Pod>;
  status: PodStatus;
  /** What the API is known to hold. */
  written: PodStatus;
  /** Of the pod that had that status. */
  revision: number;
  writing: Promise<void> | undefined;
  reconciling: Promise<void> | undefined;
}

export function createStatusManager(
  writer: PodWriter,
  options: { clock: Clock; random: () => number; log: Logger; signal: AbortSignal },
): StatusManager {
  const { clock, random, log, signal } = options;
  const entries = new Map<string, Entry>();

  /** Resolves with the status that it has dealt with last. */
  async function write(entry: Entry): Promise<PodStatus> {
    for (let attempt = 0; attempt < maxAttempts && !signal.aborted; ) {
      const { status, pod } = entry;
      const patch = statusPatch(entry.written, status);
      if (!patch) return status;
      try {
        const stored = await writer.patchStatus(pod, withClearedReasons(patch, entry.written));
        if (!noteWritten(entry, stored)) reconcile(entry);
        attempt = 0;
        if (entry.status === status) return status;
      } catch (error) {
        if (isKind(error, 'NotFound')) return status;
        log.warn({ err: messageOf(error), pod: pod.metadata.uid }, 'a pod status could not be written');
        await pause(clock, backoffMs(attempt++, { baseMs: 200, maxMs: 5_000, random }), signal);
      }
    }
    reconcile(entry);
    return entry.status;
  }

  function begin(entry: Entry): void {
    entry.writing ??= write(entry).then((last) => {
      entry.writing = undefined;
      // One that came after the last look, when nothing was begun for it as this was still under way.
      if (entry.status !== last) begin(entry);
    });
  }

  function reconcile(entry: Entry): void {
    if (signal.aborted || !statusPatch(entry.written, entry.status)) return;
    entry.reconciling ??= pause(clock, reconcileMs, signal).then(() => {
      entry.reconciling = undefined;
      if (entries.get(entry.pod.metadata.uid) === entry) begin(entry);
    });
  }

  return {
    get: (uid) => entries.get(uid)?.status,
    set(pod, status) {
      const entry = entries.get(pod.metadata.uid) ?? {
        pod,
        status,
        written: pod.status ?? {},
        revision: revisionOf(pod),
        writing: undefined,
        reconciling: undefined,
      };
      entries.set(pod.metadata.uid, entry);
      // A pod's phase never leaves a final one.
      if (isTerminalPhase(entry.status.phase) && !isTerminalPhase(status.phase)) {
        status.phase = entry.status.phase;
      }
      entry.pod = pod;
      entry.status = status;
      begin(entry);
    },
    seen(pod) {
      const entry = entries.get(pod.metadata.uid);
      if (!entry || revisionOf(pod) <= entry.revision) return;
      noteWritten(entry, pod);
      // A write under way looks again when it is done.
      if (!entry.writing) reconcile(entry);
    },
    async flushed(uid) {
      await entries.get(uid)?.writing;
    },
    forget: (uid) => void entries.delete(uid),
  };
}

/** False for what is older than what is known already. */
function noteWritten(entry: Entry, pod: Persisted<Pod>): boolean {
  if (revisionOf(pod) < entry.revision) return false;
  entry.written = pod.status ?? {};
  entry.revision = revisionOf(pod);
  return true;
}

/** Revisions of one type are comparable (KEP-5504). */
function revisionOf({ metadata }: Persisted<Pod>): number {
  return Number(metadata.resourceVersion);
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

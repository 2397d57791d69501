import { pause } from '../../lib/clock.ts';
import type { Pod, PodStatus } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { messageOf } from '../../lib/errors.ts';
import { createProbeManager } from '../probes/manager.ts';
import { isTerminalPhase } from './api-status.ts';
import { uidsOnDisk } from './cleanup.ts';
import type { SyncContext } from './context.ts';
import { collectGarbage } from './garbage.ts';
import { keepLogsSmall } from './log-rotation.ts';
import { createLifecycleEvents, type LifecycleEvents } from './pleg.ts';
import { lookAtPod, type PodLoop, type PodRecord } from './pod-loop.ts';
import type { PodSource, PodWriter } from './sources.ts';
import { createStatusManager, type StatusManager } from './status-manager.ts';
import { createKeyedWorkers } from './worker.ts';

const housekeepingMs = 5_000;
const stopWithinMs = 1_000;

export interface PodAgentOptions extends Omit<SyncContext, 'probes'> {
  source: PodSource;
  writer: PodWriter;
  random: () => number;
  userAgent: string;
}

export interface PodAgent {
  /**
   * Runs the node's pods until the signal aborts; then leaves the containers running. The source must hold its first
   * list already: what the runtime has and the source has not is ended and removed.
   */
  run(signal: AbortSignal): Promise<void>;
  pods(): Persisted<Pod>[];
  /** Has a pod looked at soon: something that its volumes hold has changed. */
  poke(uid: string): void;
  /** The status as the agent last made it. */
  status(uid: string): PodStatus | undefined;
  readonly lifecycle: LifecycleEvents;
}

export function createPodAgent(options: PodAgentOptions): PodAgent {
  const { clock, log, random, source, runtime, owner } = options;
  const stop = new AbortController();
  const records = new Map<string, PodRecord>();
  const lifecycle = createLifecycleEvents(runtime, owner, clock, log);
  const statuses: StatusManager = createStatusManager(options.writer, {
    clock,
    random,
    log,
    signal: stop.signal,
  });
  const probes = createProbeManager({
    runtime,
    clock,
    random,
    events: options.events,
    userAgent: options.userAgent,
    status: (uid) => statuses.get(uid),
    changed: (uid) => workers.poke(uid),
  });
  const loop: PodLoop = { ...options, probes, statuses, lifecycle, others };
  const workers = createKeyedWorkers(look, { clock, random, log });

  function others(uid: string): Pod[] {
    return [...records.values()].flatMap((record) =>
      record.pod && record.admitted && !hasEnded(record) && record.uid !== uid ? [record.pod] : [],
    );
  }

  /** The scheduler gives a pod's room to another as soon as the API shows that it has ended: so must its node. */
  function hasEnded({ uid, stage, pod }: PodRecord): boolean {
    if (stage === 'terminated' || stage === 'finished') return true;
    return isTerminalPhase(statuses.get(uid)?.phase) || isTerminalPhase(pod?.status?.phase);
  }

  async function look(uid: string) {
    const record = records.get(uid);
    if (!record) return undefined;
    const next = await lookAtPod(loop, record);
    if (record.removed && !record.pod) {
      records.delete(uid);
      workers.forget(uid);
      statuses.forget(uid);
    }
    return next;
  }

  function recordOf(uid: string): PodRecord {
    const record = records.get(uid) ?? {
      uid,
      pod: undefined,
      stage: 'syncing' as const,
      memory: { failures: new Map(), volumes: { atMs: 0, of: '' } },
      interrupt: new AbortController(),
      verdict: undefined,
      admitted: false,
      removed: false,
    };
    records.set(uid, record);
    return record;
  }

  function upsert(pod: Persisted<Pod>): void {
    const { uid } = pod.metadata;
    const record = recordOf(uid);
    const before = record.pod;
    const graceBefore = before?.metadata.deletionGracePeriodSeconds;
    record.pod = pod;
    statuses.seen(pod);
    if (before && !concernsNode(before, pod)) return;
    const grace = pod.metadata.deletionGracePeriodSeconds;
    const ends = pod.metadata.deletionTimestamp !== undefined && record.stage === 'syncing';
    const sooner = record.stage === 'terminating' && grace !== undefined && grace < (graceBefore ?? Infinity);
    if (ends || sooner) record.interrupt.abort(new Error('the pod is to end'));
    workers.poke(uid);
  }

  function gone(uid: string): void {
    const record = records.get(uid);
    if (!record) return;
    record.pod = undefined;
    if (record.stage === 'syncing' || record.stage === 'terminating') {
      record.interrupt.abort(new Error('the pod was removed'));
    }
    workers.poke(uid);
  }

  /** What there is of pods that nobody knows: the agent was not there when they went. */
  async function findOrphans(): Promise<void> {
    if (lifecycle.lastRelistMs() === 0) return;
    const found = new Set([...lifecycle.uids(), ...(await uidsOnDisk(loop))]);
    for (const uid of found) {
      if (records.has(uid) || source.list().some(({ metadata }) => metadata.uid === uid)) continue;
      log.info({ pod: uid }, 'ending a pod that is no longer known');
      recordOf(uid);
      workers.poke(uid);
    }
  }

  async function keepHouse(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await findOrphans();
        const active = source.list().filter(({ status }) => !isTerminalPhase(status?.phase));
        await options.cgroups.balance(active);
        options.startBackoff.collect();
        options.images.collect();
      } catch (error) {
        log.warn({ err: messageOf(error) }, 'housekeeping failed');
      }
      await pause(clock, housekeepingMs, signal);
    }
  }

  return {
    lifecycle,
    pods: () => source.list(),
    poke: (uid) => records.has(uid) && workers.poke(uid),
    status: (uid) => statuses.get(uid),
    async run(signal) {
      signal.addEventListener('abort', () => stop.abort(signal.reason), { once: true });
      source.onChange(({ before, after }) => {
        if (before && before.metadata.uid !== after?.metadata.uid) gone(before.metadata.uid);
        if (after) upsert(after);
      });
      for (const pod of source.list()) upsert(pod);
      await Promise.all([
        lifecycle.run(signal, (uid) => workers.poke(uid)),
        keepHouse(signal),
        keepLogsSmall(options, signal),
        collectGarbage(options, signal),
      ]);
      probes.close();
      // What is under way now may take a grace period; the next agent finds out how far it came.
      await Promise.race([workers.close(), clock.sleep(stopWithinMs)]);
    },
  };
}

/**
 * Whether a change of a pod is one to act on (kubelet's `checkAndUpdatePod`). Most changes are the agent's own writes of
 * the status; acting on them would retry at once what has just failed.
 */
function concernsNode(before: Persisted<Pod>, after: Persisted<Pod>): boolean {
  const { metadata: old } = before;
  const { metadata } = after;
  const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
  return (
    metadata.generation !== old.generation ||
    metadata.deletionTimestamp !== old.deletionTimestamp ||
    metadata.deletionGracePeriodSeconds !== old.deletionGracePeriodSeconds ||
    differs(metadata.labels, old.labels) ||
    differs(metadata.annotations, old.annotations) ||
    // Others write the conditions of readiness gates, and the pod's readiness depends on them.
    (after.spec.readinessGates !== undefined && differs(after.status?.conditions, before.status?.conditions))
  );
}

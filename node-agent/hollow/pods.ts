import type { Pod } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { EventRecorder } from '../../lib/client/events.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { rejectPod } from '../pods/admission.ts';
import { generatePodStatus, isTerminalPhase } from '../pods/api-status.ts';
import type { PodWriter } from '../pods/sources.ts';
import type { StatusManager } from '../pods/status-manager.ts';
import type { PodAddresses } from './addresses.ts';
import { hollowRuntime } from './identity.ts';
import { type HollowRun, hollowPodView } from './pod-view.ts';

/** A pod that is not ready until the annotation is gone, one that ends by itself, and with which exit code. */
const readyAnnotation = 'hollow.kumulus.io/ready';
const runSecondsAnnotation = 'hollow.kumulus.io/run-seconds';
const exitCodeAnnotation = 'hollow.kumulus.io/exit-code';

export interface HollowPodsOptions {
  nodeIp: string;
  allocatable: Record<string, string>;
  addresses: PodAddresses;
  statuses: StatusManager;
  writer: PodWriter;
  events: Pick<EventRecorder, 'event'>;
  clock: Clock;
  random: () => number;
  log: Logger;
  signal: AbortSignal;
}

/** The pods of one simulated node. */
export interface HollowPods {
  changed(before: Persisted<Pod> | undefined, after: Persisted<Pod> | undefined): void;
}

interface Tended {
  pod: Persisted<Pod>;
  run: HollowRun;
  /** Of an end that is due. */
  timer: AbortController;
  removing: boolean;
}

/**
 * Does for a pod what a kubelet says it does, and nothing of it: admits it, reports its containers as running, ends it
 * when its time is over, and removes it from the API when it is deleted, at once.
 */
export function createHollowPods(options: HollowPodsOptions): HollowPods {
  const { nodeIp, addresses, statuses, clock, log, signal } = options;
  const tended = new Map<string, Tended>();

  function begin(pod: Persisted<Pod>): Tended {
    const known = pod.status?.startTime;
    const ip = pod.spec.hostNetwork ? nodeIp : (addresses.take(pod.status?.podIP) ?? '');
    const entry: Tended = {
      pod,
      run: { startedAtMs: known ? Date.parse(known) : clock.now(), ended: undefined, ip },
      timer: new AbortController(),
      removing: false,
    };
    tended.set(pod.metadata.uid, entry);
    return entry;
  }

  function forget(uid: string): void {
    const entry = tended.get(uid);
    if (!entry) return;
    tended.delete(uid);
    entry.timer.abort();
    statuses.forget(uid);
    addresses.free(entry.run.ip);
  }

  function report({ pod, run }: Tended, verdict?: { reason: string; message: string }): void {
    const isReady = pod.metadata.annotations?.[readyAnnotation] !== 'false';
    const status = generatePodStatus({
      pod,
      view: hollowPodView(pod, run),
      previous: statuses.get(pod.metadata.uid) ?? pod.status ?? {},
      failures: new Map(),
      isTerminal: run.ended !== undefined,
      runtimeName: hollowRuntime,
      hostIps: [nodeIp],
      markReadiness(_pod, { init, main }) {
        for (const container of [...init, ...main]) {
          const running = container.state?.running !== undefined;
          container.started = running;
          container.ready = running
            ? isReady
            : container.state?.terminated?.exitCode === 0 && init.includes(container);
        }
      },
      nowMs: clock.now(),
    });
    if (verdict) Object.assign(status, { phase: 'Failed', ...verdict });
    statuses.set(pod, status);
  }

  /** Whether the node has room: its pods that have not ended count. */
  function rejected(entry: Tended): boolean {
    if (entry.pod.status?.startTime) return false;
    const others = [...tended.values()].filter((other) => other !== entry && !other.run.ended);
    const rejection = rejectPod(
      entry.pod,
      others.map(({ pod }) => pod),
      options.allocatable,
    );
    if (!rejection) return false;
    const { reason, message } = rejection;
    options.events.event(entry.pod, 'Warning', reason, message.replace(/^Pod was rejected: /, ''));
    entry.run.ended = { atMs: clock.now(), exitCode: 0 };
    statuses.set(entry.pod, {
      ...entry.pod.status,
      phase: 'Failed',
      reason,
      message,
      startTime: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      observedGeneration: entry.pod.metadata.generation,
    });
    return true;
  }

  /** A deadline of the pod's, or an end that its annotations ask for. */
  function schedule(entry: Tended): void {
    const { activeDeadlineSeconds, restartPolicy } = entry.pod.spec;
    const annotations = entry.pod.metadata.annotations ?? {};
    const runSeconds = Number(annotations[runSecondsAnnotation] ?? Number.NaN);
    if (activeDeadlineSeconds !== undefined) {
      const message = 'Pod was active on the node longer than the specified deadline';
      endAfter(entry, activeDeadlineSeconds, 137, { reason: 'DeadlineExceeded', message });
    }
    if (runSeconds >= 0 && restartPolicy !== 'Always') {
      endAfter(entry, runSeconds, Number(annotations[exitCodeAnnotation] ?? 0) || 0);
    }
  }

  function endAfter(
    entry: Tended,
    seconds: number,
    exitCode: number,
    verdict?: { reason: string; message: string },
  ): void {
    entry.timer.abort();
    entry.timer = new AbortController();
    const stop = AbortSignal.any([signal, entry.timer.signal]);
    const waitMs = Math.max(0, entry.run.startedAtMs + seconds * 1000 - clock.now());
    clock.sleep(waitMs, stop).then(
      () => {
        if (entry.run.ended) return;
        entry.run.ended = { atMs: clock.now(), exitCode };
        report(entry, verdict);
      },
      () => undefined,
    );
  }

  async function remove(entry: Tended): Promise<void> {
    const { pod } = entry;
    await statuses.flushed(pod.metadata.uid);
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await options.writer.remove(pod);
      } catch (error) {
        // Gone already, or another pod has its name by now.
        if (isKind(error, 'NotFound', 'Conflict')) return;
        log.warn({ err: messageOf(error), pod: pod.metadata.uid }, 'a pod could not be removed yet');
        await pause(clock, backoffMs(attempt, { baseMs: 200, maxMs: 7_000, random: options.random }), signal);
      }
    }
  }

  return {
    changed(before, after) {
      if (before && before.metadata.uid !== after?.metadata.uid) forget(before.metadata.uid);
      if (!after) return;
      const known = tended.get(after.metadata.uid);
      if (!known && isTerminalPhase(after.status?.phase) && !after.metadata.deletionTimestamp) return;
      const entry = known ?? begin(after);
      entry.pod = after;
      if (after.metadata.deletionTimestamp) {
        if (entry.removing) return;
        entry.removing = true;
        entry.timer.abort();
        entry.run.ended ??= { atMs: clock.now(), exitCode: 0 };
        if (!isTerminalPhase(after.status?.phase)) report(entry);
        remove(entry).catch((error: unknown) => log.error({ err: error }, 'removing a pod failed'));
        return;
      }
      if (entry.run.ended) return;
      if (!known) {
        if (rejected(entry)) return;
        schedule(entry);
      }
      report(entry);
    },
  };
}

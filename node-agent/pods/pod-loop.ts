import type { Pod, PodStatus } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import { rejectPod } from './admission.ts';
import { generatePodStatus, isTerminalPhase } from './api-status.ts';
import { removeLeftovers } from './cleanup.ts';
import type { SyncContext } from './context.ts';
import { killPod } from './kill.ts';
import * as names from './names.ts';
import type { LifecycleEvents } from './pleg.ts';
import { type PodView, readPodView } from './runtime-view.ts';
import type { PodWriter } from './sources.ts';
import type { StatusManager } from './status-manager.ts';
import { type SyncMemory, syncPod } from './sync.ts';
import type { NextLook } from './worker.ts';

/** kubelet's syncFrequency: volumes' sources and tokens are looked at at least this often. */
const resyncMs = 60_000;
/** Who is removed by force has no say in how long it takes. */
const forcedGraceSeconds = 1;

/** What the agent remembers of a pod. All of it can be found out again. */
export interface PodRecord {
  uid: string;
  /** As the API last had it; undefined for one that it no longer knows. */
  pod: Persisted<Pod> | undefined;
  stage: 'syncing' | 'terminating' | 'terminated' | 'finished';
  memory: SyncMemory;
  /** Ends what is under way, as soon as the pod is to end. */
  interrupt: AbortController;
  /** Set when the node itself ended the pod. */
  verdict: { reason: string; message: string } | undefined;
  admitted: boolean;
  removed: boolean;
}

export interface PodLoop extends SyncContext {
  writer: PodWriter;
  statuses: StatusManager;
  lifecycle: LifecycleEvents;
  random: () => number;
  /** The pods that are admitted and have not ended, without this one. */
  others: (uid: string) => Pod[];
}

/** Looks at one pod and does what is next. Answers when to look again if nothing happens before. */
export async function lookAtPod(loop: PodLoop, record: PodRecord): Promise<NextLook | undefined> {
  if (record.stage === 'syncing' && mustEnd(loop, record)) record.stage = 'terminating';
  switch (record.stage) {
    case 'syncing':
      return sync(loop, record);
    case 'terminating':
      await terminate(loop, record);
      record.stage = 'terminated';
      return { afterMs: 0 };
    case 'terminated':
      await loop.volumes.unmount(record.uid);
      await loop.cgroups.remove(record.uid);
      record.stage = 'finished';
      return { afterMs: 0 };
    case 'finished':
      return finish(loop, record);
  }
}

function mustEnd(loop: PodLoop, { pod, uid, verdict }: PodRecord): boolean {
  if (!pod || verdict || pod.metadata.deletionTimestamp) return true;
  return isTerminalPhase(pod.status?.phase) || isTerminalPhase(loop.statuses.get(uid)?.phase);
}

async function sync(loop: PodLoop, record: PodRecord): Promise<NextLook | undefined> {
  const pod = record.pod as Persisted<Pod>;
  const view = await readPodView(loop.runtime, loop.owner, record.uid);
  if (!admit(loop, record, pod, view)) return { afterMs: 0 };
  const status = report(loop, record, view, { isTerminal: false });
  if (status && isTerminalPhase(status.phase)) return { afterMs: 0 };
  const deadlineInMs = activeDeadline(loop, pod, status);
  if (deadlineInMs !== undefined && deadlineInMs <= 0) {
    const message = 'Pod was active on the node longer than the specified deadline';
    loop.events.event(pod, 'Normal', 'DeadlineExceeded', message);
    record.verdict = { reason: 'DeadlineExceeded', message };
    return { afterMs: 0 };
  }
  loop.probes.add(pod);
  const { signal } = record.interrupt;
  let acted = true;
  try {
    const result = await syncPod(loop, pod, view, record.memory, signal);
    acted = result.acted;
    if (acted) loop.lifecycle.expectChange();
    const resync = resyncMs * (1 + 0.2 * loop.random());
    return { afterMs: Math.min(resync, result.retryInMs ?? resync, deadlineInMs ?? resync) };
  } catch (error) {
    if (signal.aborted) return { afterMs: 0 };
    throw error;
  } finally {
    if (acted && record.pod) {
      report(loop, record, await readPodView(loop.runtime, loop.owner, record.uid), { isTerminal: false });
    }
  }
}

/** A pod that the node cannot take fails at once; one that it has taken before stays. */
function admit(loop: PodLoop, record: PodRecord, pod: Persisted<Pod>, view: PodView): boolean {
  if (record.admitted || view.sandboxes.length > 0 || pod.status?.startTime) {
    record.admitted = true;
    return true;
  }
  const rejection = rejectPod(pod, loop.others(record.uid), loop.node.allocatable);
  if (!rejection) {
    record.admitted = true;
    return true;
  }
  loop.events.event(pod, 'Warning', rejection.reason, rejection.message.replace(/^Pod was rejected: /, ''));
  record.verdict = rejection;
  return false;
}

function activeDeadline(loop: PodLoop, pod: Pod, status: PodStatus | undefined): number | undefined {
  const { activeDeadlineSeconds } = pod.spec;
  if (activeDeadlineSeconds === undefined || !status?.startTime) return undefined;
  return Date.parse(status.startTime) + activeDeadlineSeconds * 1000 - loop.clock.now();
}

/** Makes the pod's status from what the runtime shows and hands it on. */
function report(
  loop: PodLoop,
  record: PodRecord,
  view: PodView,
  { isTerminal }: { isTerminal: boolean },
): PodStatus | undefined {
  const { pod, verdict, memory } = record;
  if (!pod) return undefined;
  const status = generatePodStatus({
    pod,
    view,
    previous: loop.statuses.get(record.uid) ?? pod.status ?? {},
    failures: memory.failures,
    isTerminal,
    runtimeName: loop.runtimeName,
    hostIps: loop.node.hostIps,
    markReadiness: loop.probes.markReadiness,
    nowMs: loop.clock.now(),
  });
  // Whoever sees a pod as failed may give its room away: that waits until nothing of it runs (kubelet's mergePodStatus).
  const runs = !isTerminal && view.containers.some(({ state }) => state === 'running');
  if (verdict && !runs) Object.assign(status, { phase: 'Failed', ...verdict });
  loop.statuses.set(pod, status);
  return status;
}

async function terminate(loop: PodLoop, record: PodRecord): Promise<void> {
  let view = await readPodView(loop.runtime, loop.owner, record.uid);
  report(loop, record, view, { isTerminal: false });
  loop.probes.stopLivenessAndStartup(record.uid);
  await killWithin(loop, record, view);
  loop.probes.remove(record.uid);
  view = await readPodView(loop.runtime, loop.owner, record.uid);
  const alive = view.containers.filter(({ state }) => state === 'running').map(({ name }) => name);
  if (alive.length > 0) throw new Error(`containers still run after they were stopped: ${alive.join(', ')}`);
  report(loop, record, view, { isTerminal: true });
}

/** A grace period may be shortened while it runs; the longer wait then goes on without anybody waiting for it. */
async function killWithin(loop: PodLoop, record: PodRecord, view: PodView): Promise<void> {
  for (;;) {
    record.interrupt = new AbortController();
    const { signal } = record.interrupt;
    const killed = killPod(
      loop,
      record.pod ?? nameless(view),
      view,
      record.pod ? undefined : forcedGraceSeconds,
    );
    const shortened = new Promise<'shortened'>((resolve) => {
      signal.addEventListener('abort', () => resolve('shortened'), { once: true });
    });
    if ((await Promise.race([killed, shortened])) !== 'shortened') return;
    killed.catch((error: unknown) =>
      loop.log.debug({ err: messageOf(error), pod: record.uid }, 'a longer grace period ended badly'),
    );
  }
}

/** Stands for a pod that only the runtime knows: enough to stop it and to name it in events. */
function nameless(view: PodView): Pod {
  const labels = view.sandboxes[0]?.labels ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: labels[names.podNameLabel],
      namespace: labels[names.podNamespaceLabel],
      uid: view.uid,
    },
    spec: { containers: [] },
  };
}

async function finish(loop: PodLoop, record: PodRecord): Promise<NextLook | undefined> {
  const { pod, uid } = record;
  // A pod that has ended and is not deleted keeps its containers: their logs are still asked for.
  if (pod && !pod.metadata.deletionTimestamp) return undefined;
  const view = await readPodView(loop.runtime, loop.owner, uid);
  if (!pod) {
    await removeLeftovers(loop, view);
    record.removed = true;
    return undefined;
  }
  if (record.removed) return undefined;
  await loop.statuses.flushed(uid);
  await removeLeftovers(loop, view);
  try {
    await loop.writer.remove(pod);
  } catch (error) {
    // Gone already, or another pod has its name by now.
    if (!isKind(error, 'NotFound', 'Conflict')) throw error;
  }
  record.removed = true;
  return undefined;
}

import { setImmediate } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { type Clock, pause } from '../../lib/clock.ts';
import type { EventRecorder } from '../../lib/client/events.ts';
import type { Informers } from '../../lib/client/informers.ts';
import { keyOf } from '../../lib/api/object.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { bind, reserve, type Reservation } from './binding.ts';
import type { SchedulerSettings } from './config/settings.ts';
import { SchedulingAlgorithm } from './cycle.ts';
import { reportUnplaced, truncateNote, type Unplaced } from './failure.ts';
import { trialHandle } from './framework-handle.ts';
import { buildProfile } from './framework/build-profile.ts';
import type { ClusterObjects, WatchedKind } from './framework/cluster-objects.ts';
import { type Diagnosis, fitErrorMessage } from './framework/fit-error.ts';
import { Nominator } from './framework/nominator.ts';
import type { FrameworkHandle } from './framework/plugin.ts';
import { diagnosisOf, type Profile } from './framework/profile.ts';
import { ClusterState } from './framework/snapshot.ts';
import { errorStatus, isRejected, type Status, statusMessage } from './framework/status.ts';
import { WaitingPods } from './framework/waiting-pods.ts';
import { createSchedulerMetrics } from './metrics.ts';
import type { Registry as PluginRegistry } from './plugins/registry.ts';
import { SchedulingQueue, type WaitingEntry } from './queue/queue.ts';
import { Reports } from './reports.ts';
import { watchCluster } from './watch-cluster.ts';

export interface SchedulerDeps {
  client: KubeClient;
  informers: Informers;
  recorder: EventRecorder;
  clock: Clock;
  log: Logger;
  random: () => number;
  settings: SchedulerSettings;
  registry: PluginRegistry;
  objects: ClusterObjects;
  /** Where its metrics are. */
  metrics: Registry;
  /** Kinds whose changes may help waiting pods. */
  watched: readonly WatchedKind[];
  /** Ends the scheduler and what its plugins have under way. */
  signal: AbortSignal;
}

/** Bindings and status writes under way at once; the next cycle waits for one to end. */
const maxInFlight = 128;
/** So often in a row a binding that met another scheduler's is decided anew without a backoff and without a word. */
const atOnceAfterConflicts = 5;
/** Cycles run this long before others in the process get a turn. */
const sliceMs = 8;

export interface Scheduler {
  readonly state: ClusterState;
  readonly queue: SchedulingQueue;
  /** Brings all that it knows up to the head: everything acknowledged before the call is seen. */
  catchUp(): Promise<void>;
  /** Places every pod that is ready, and resolves when no cycle is left to run and every binding has ended. */
  drain(signal: AbortSignal): Promise<void>;
  /** Goes on placing pods as they come, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** One scheduler with its warm state. Call `catchUp` before the first `drain`. */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { client, clock, log, recorder, settings } = deps;
  const state = new ClusterState();
  const nominator = new Nominator(state.changes);
  const waiting = new WaitingPods();
  const algorithm = new SchedulingAlgorithm(state, nominator, deps.random);
  const tasks = new Set<Promise<void>>();
  const profiles = new Map<string, Profile>();
  for (const profileSettings of settings.profiles) {
    profiles.set(
      profileSettings.schedulerName,
      buildProfile(profileSettings, deps.registry, {
        ...deps,
        snapshot: state,
        profileName: profileSettings.schedulerName,
        framework: handleFor(() => profiles.get(profileSettings.schedulerName) as Profile),
      }),
    );
  }
  const queue: SchedulingQueue = new SchedulingQueue({ ...settings, clock, profiles });
  const metrics = createSchedulerMetrics(deps.metrics, () => queue);
  const cluster = watchCluster({ ...deps, state, queue, nominator, waiting, profiles });

  function handleFor(profile: () => Profile): FrameworkHandle {
    return {
      ...trialHandle(profile, algorithm, nominator),
      podExists: (pod) => cluster.podExists(pod),
      activate: (podKey) => queue.activate(podKey),
      madeRoom: (victims) => metrics.preempted(victims),
      waitingPod: (podKey) => waiting.get(podKey),
    };
  }

  /** Something that goes on after the cycle; `settled` waits for it. */
  function background(what: string, run: () => Promise<void>): void {
    const task: Promise<void> = run()
      .catch((error: unknown) => {
        if (!deps.signal.aborted) log.error({ err: error }, `${what} failed`);
      })
      .finally(() => tasks.delete(task));
    tasks.add(task);
  }

  const reports = new Reports(async ({ pod, failure }) => {
    try {
      await reportUnplaced(client, clock, pod, failure);
    } catch (error) {
      if (!deps.signal.aborted) log.error({ err: error, pod: keyOf(pod) }, 'a status could not be written');
    }
  });

  /** Resolves with what is wrong; undefined at once where there is nothing to load. */
  function loadFor({ profile, info }: WaitingEntry): Promise<Status | undefined> | undefined {
    const loads = profile.plugins.flatMap((plugin) => plugin.load?.(info) ?? []);
    return loads.length > 0 ? Promise.all(loads).then(() => undefined, errorStatus) : undefined;
  }

  function scheduleOne(entry: WaitingEntry): void {
    const { info: pod, profile } = entry;
    entry.attemptedMs = clock.now();
    if (pod.pod.metadata.deletionTimestamp) {
      recorder.event(pod.pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${pod.key}`);
      return queue.done(pod.key);
    }
    if (state.placement(pod.key)) return queue.done(pod.key);
    const decision = algorithm.decide(profile, pod);
    switch (decision.outcome) {
      case 'noNodes':
        return fail(entry, { ...unfit('no nodes available to schedule pods'), nominatedNodeName: '' });
      case 'error':
        return fault(entry, decision.status);
      case 'unfit':
        return fail(entry, {
          ...unfit(fitErrorMessage(decision.diagnosis)),
          nominatedNodeName: decision.nominatedNodeName,
          diagnosis: decision.diagnosis,
        });
      case 'node': {
        state.assume(pod, decision.nodeName);
        nominator.delete(pod.key);
        const reserved = reserve(profile, decision.state, pod, decision.nodeName);
        if (!('waits' in reserved)) {
          state.forget(pod.key);
          return reject(entry, reserved);
        }
        background(`binding ${pod.key}`, () => finish(entry, reserved));
      }
    }
  }

  async function finish(entry: WaitingEntry, reservation: Reservation): Promise<void> {
    const { pod, nodeName } = reservation;
    await reports.drop(pod.key);
    const status = await bind(reservation, waiting, clock, deps.signal);
    if (!status) {
      queue.done(pod.key);
      attempted(entry, 'scheduled');
      metrics.placed(entry.attempts, clock.now() - entry.firstSeenMs);
      recorder.event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${nodeName}`);
      log.debug({ pod: pod.key, node: nodeName, attempts: entry.attempts }, 'pod bound');
      return;
    }
    // Whatever the answer was, the API may have taken it: only what it shows counts.
    state.forget(pod.key);
    cluster.podReleased(pod);
    if (isKind(status.error, 'NotFound', 'Conflict')) {
      log.info({ pod: pod.key, reason: statusMessage(status) }, 'the pod changed while it was being bound');
      await cluster.refreshPods();
      if (entry.errorCount < atOnceAfterConflicts && cluster.pendingPod(pod)) return tryAgain(entry);
    }
    reject(entry, status);
  }

  /** Another scheduler was first, which the snapshot shows by now: a new decision is all that is needed. */
  function tryAgain(entry: WaitingEntry): void {
    queue.putBack(entry, { unschedulablePlugins: new Set(), pendingPlugins: new Set(), isError: true });
    queue.activate(entry.info.key);
  }

  function reject(entry: WaitingEntry, status: Status): void {
    if (!isRejected(status)) return fault(entry, status);
    const diagnosis = diagnosisOf(status);
    fail(entry, { ...unfit(fitErrorMessage(diagnosis)), nominatedNodeName: '', diagnosis });
  }

  function fault(entry: WaitingEntry, status: Status): void {
    const message = statusMessage(status);
    log.warn(
      { pod: entry.info.key, plugin: status.plugin, err: messageOf(status.error ?? message) },
      'scheduling failed',
    );
    fail(entry, { reason: 'SchedulerError', message, nominatedNodeName: '' });
  }

  function fail(entry: WaitingEntry, failure: Unplaced & { diagnosis?: Diagnosis }): void {
    const { key } = entry.info;
    const current = cluster.pendingPod(entry.info);
    if (!current) return queue.done(key);
    const { diagnosis, nominatedNodeName, message } = failure;
    attempted(entry, failure.reason === 'SchedulerError' ? 'error' : 'unschedulable');
    if (nominatedNodeName) nominator.set(entry.info, nominatedNodeName);
    else if (nominatedNodeName === '') nominator.delete(key);
    queue.putBack(entry, {
      unschedulablePlugins: diagnosis?.unschedulablePlugins ?? new Set(),
      pendingPlugins: diagnosis?.pendingPlugins ?? new Set(),
      isError: failure.reason === 'SchedulerError',
    });
    recorder.event(current, 'Warning', 'FailedScheduling', truncateNote(message));
    reports.put(key, { pod: current, failure });
  }

  function attempted(
    { profile, attemptedMs }: WaitingEntry,
    result: 'scheduled' | 'unschedulable' | 'error',
  ) {
    metrics.attempt(profile.schedulerName, result, clock.now() - attemptedMs);
  }

  async function settled(): Promise<void> {
    while (tasks.size > 0) await Promise.race(tasks);
    await reports.settled();
  }

  async function cycles(signal: AbortSignal): Promise<void> {
    let sliceEnd = clock.now() + sliceMs;
    while (!signal.aborted) {
      const entry = queue.pop();
      if (!entry) return;
      const loading = loadFor(entry);
      const problem = loading && (await loading);
      if (problem) fault(entry, problem);
      else scheduleOne(entry);
      while (tasks.size >= maxInFlight) await Promise.race(tasks);
      if (clock.now() < sliceEnd) continue;
      await setImmediate();
      sliceEnd = clock.now() + sliceMs;
    }
  }

  return {
    state,
    queue,
    catchUp: () => cluster.catchUp({ all: true }),
    async drain(signal) {
      do {
        await cycles(signal);
        await settled();
      } while (!signal.aborted && queue.counts.active > 0);
    },
    async run(signal) {
      while (!signal.aborted) {
        await queue.waitForWork(signal);
        if (signal.aborted) break;
        try {
          await cluster.catchUp({ all: false });
        } catch (error) {
          log.warn(
            { err: messageOf(error) },
            'the snapshot could not be brought up to the head, will try again',
          );
          await pause(clock, 1_000, signal);
          continue;
        }
        await cycles(signal);
      }
      await settled();
    },
  };
}

function unfit(message: string): { reason: 'Unschedulable'; message: string } {
  return { reason: 'Unschedulable', message };
}

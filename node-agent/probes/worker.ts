import type { Container, ContainerStatus, Pod, PodStatus, Probe } from '../../lib/api/gen/types.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { isTerminalPhase } from '../pods/api-status.ts';
import type { ProbeResult } from '../pods/actions.ts';
import type { ProbeOutcome } from './probe.ts';

export type ProbeType = 'Liveness' | 'Readiness' | 'Startup';

export interface ProbeWorkerOptions {
  type: ProbeType;
  pod: Pod;
  container: Container;
  probe: Probe;
  clock: Clock;
  /** 0 to 1. */
  random: () => number;
  /** The pod's status as the agent last made it. */
  status: () => PodStatus | undefined;
  run: (containerId: string) => Promise<ProbeOutcome>;
  report: (outcome: ProbeOutcome) => void;
  result: (containerId: string, result: ProbeResult) => void;
  forget: (containerId: string) => void;
}

const initialResult: Record<ProbeType, ProbeResult> = {
  Liveness: 'success',
  Readiness: 'failure',
  Startup: 'unknown',
};
/** A probe that could not be done is tried again at once, before it counts as unknown. */
const attempts = 3;
/** How often a container that cannot be probed yet is looked for; that costs nothing but a look at the status. */
const awaitMs = 100;

/** Probes one container with one of its probes, again and again, until the signal aborts or nothing is left to probe. */
export async function probeContainer(options: ProbeWorkerOptions, signal: AbortSignal): Promise<void> {
  const { clock, probe, random, type } = options;
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  const state: WorkerState = {
    containerId: '',
    onHold: false,
    probed: false,
    last: undefined,
    run: 0,
    ended: false,
  };
  // Spreads the probes of an agent that starts with many pods over one period.
  const started = clock.now();
  while (!signal.aborted) {
    await step(options, state);
    if (state.ended) break;
    // What comes up is looked at sooner than once a period: kubelet probes it anew with each status that it makes.
    const early = type === 'Readiness' && state.last !== 'success';
    const waitMs = state.probed ? (early ? Math.min(periodMs, 1_000) : periodMs) : awaitMs;
    const jitterMs = clock.now() - started < periodMs && !early ? random() * 0.1 * waitMs : 0;
    await pause(clock, waitMs + jitterMs, signal);
  }
  if (state.containerId) options.forget(state.containerId);
}

interface WorkerState {
  containerId: string;
  /** Liveness and startup: it has failed, and nothing is probed until there is another container. */
  onHold: boolean;
  /** The last step did a probe, or there is nothing more to probe for now. */
  probed: boolean;
  last: ProbeOutcome['result'] | undefined;
  run: number;
  ended: boolean;
}

async function step(options: ProbeWorkerOptions, state: WorkerState): Promise<void> {
  const { type, probe, pod, container, clock } = options;
  state.probed = false;
  const status = options.status();
  if (!status) return;
  if (isTerminalPhase(status.phase)) {
    state.ended = true;
    return;
  }
  const current = findStatus(status, container.name);
  if (!current?.containerID) return;
  const containerId = current.containerID.replace(/^.*:\/\//, '');
  if (containerId !== state.containerId) {
    if (state.containerId) options.forget(state.containerId);
    Object.assign(state, { containerId, onHold: false, last: undefined, run: 0 });
    options.result(containerId, initialFor(type, pod, current));
  }
  if (state.onHold) {
    state.probed = true;
    return;
  }
  if (!current.state?.running) {
    options.result(containerId, 'failure');
    const neverAgain = pod.spec.restartPolicy === 'Never' && container.restartPolicy !== 'Always';
    if (neverAgain && !current.state?.waiting) state.ended = true;
    return;
  }
  if (status.phase && pod.metadata.deletionTimestamp && type !== 'Readiness') {
    options.result(containerId, 'success');
    state.ended = true;
    return;
  }
  const runningMs = clock.now() - Date.parse(current.state.running.startedAt ?? '');
  if (runningMs < (probe.initialDelaySeconds ?? 0) * 1000) return;
  // The startup probe is the first, and only as long as it has not succeeded; the others wait for it.
  if (current.started ? type === 'Startup' : type !== 'Startup') {
    state.probed = type === 'Startup';
    return;
  }
  state.probed = true;

  const outcome = await tryProbe(options, containerId);
  if (outcome.result !== 'success') options.report(outcome);
  if (outcome.result === 'unknown') return;
  const result = outcome.result === 'failure' ? 'failure' : 'success';
  state.run = state.last === result ? state.run + 1 : 1;
  state.last = result;
  const threshold = result === 'failure' ? (probe.failureThreshold ?? 3) : (probe.successThreshold ?? 1);
  if (state.run < threshold) return;
  options.result(containerId, result);
  if (type !== 'Readiness' && result === 'failure') {
    state.onHold = true;
    state.run = 0;
  }
}

/** An agent that was restarted goes on from what it had reported of the same container. */
function initialFor(type: ProbeType, pod: Pod, current: ContainerStatus): ProbeResult {
  const reported = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ].find(({ containerID }) => containerID !== undefined && containerID === current.containerID);
  if (type === 'Readiness' && reported?.ready) return 'success';
  if (type === 'Startup' && reported?.started) return 'success';
  return initialResult[type];
}

async function tryProbe(options: ProbeWorkerOptions, containerId: string): Promise<ProbeOutcome> {
  let outcome = await options.run(containerId);
  for (let i = 1; i < attempts && outcome.result === 'unknown'; i++) outcome = await options.run(containerId);
  return outcome;
}

function findStatus(status: PodStatus, name: string): ContainerStatus | undefined {
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].find(
    (candidate) => candidate.name === name,
  );
}

import type { Container, Pod } from '../../lib/api/gen/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ContainerLifecycle, SandboxRuntime } from '../cri/port.ts';
import type { KillReason } from './actions.ts';
import { ephemeralContainers } from './actions.ts';
import type { HookRunner } from './hooks.ts';
import { isRestartableInit } from './restart-policy.ts';
import { type ContainerView, type PodView, podIpsOf } from './runtime-view.ts';
import type { PodEvents } from './sources.ts';

/** A container always has at least this long to end, unless the pod is removed by force. */
const minGraceSeconds = 2;
const defaultGraceSeconds = 30;

export interface KillContext {
  runtime: ContainerLifecycle & SandboxRuntime;
  hooks: HookRunner;
  events: PodEvents;
  clock: Clock;
  log: Logger;
}

export interface KillRequest {
  pod: Pod;
  container: Container;
  containerId: string;
  podIp: string;
  /** The Killing event; `Stopping container <name>` where absent. */
  message?: string;
  reason?: KillReason;
  /** Replaces what the pod says. */
  graceSeconds?: number;
}

/** Ends one container: preStop, the stop signal, SIGKILL when the grace period is over. */
export async function killContainer(context: KillContext, request: KillRequest): Promise<void> {
  const { runtime, hooks, events, clock, log } = context;
  const { pod, container, containerId, podIp } = request;
  const grace = request.graceSeconds ?? graceOf(request);
  const path = fieldPathOf(pod, container.name);
  events.event(pod, 'Normal', 'Killing', request.message ?? `Stopping container ${container.name}`, path);
  let remaining = grace;
  const preStop = container.lifecycle?.preStop;
  if (preStop && grace > 0) {
    const startedMs = clock.now();
    try {
      await hooks.run(preStop, { pod, container, containerId, podIp }, AbortSignal.timeout(grace * 1000));
    } catch (error) {
      log.warn(
        { err: messageOf(error), container: container.name, pod: pod.metadata.uid },
        'preStop hook failed',
      );
      events.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', path);
    }
    remaining -= Math.floor((clock.now() - startedMs) / 1000);
  }
  if (remaining < minGraceSeconds && request.graceSeconds === undefined) remaining = minGraceSeconds;
  await runtime.stopContainer(containerId, Math.max(0, remaining));
}

function graceOf({ pod, container, reason }: KillRequest): number {
  const probe =
    reason === 'LivenessProbe'
      ? container.livenessProbe
      : reason === 'StartupProbe'
        ? container.startupProbe
        : undefined;
  if (pod.metadata.deletionTimestamp) return pod.metadata.deletionGracePeriodSeconds ?? defaultGraceSeconds;
  return (
    probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds
  );
}

/**
 * Ends everything of a pod: the containers together, then the sidecars one after another from the last, each with what
 * is left of the grace period (KEP-753), then the sandboxes with their network.
 */
export async function killPod(
  context: KillContext,
  pod: Pod,
  view: PodView,
  graceSeconds: number | undefined,
): Promise<void> {
  const startedMs = context.clock.now();
  const podIp = podIpsOf(view)[0] ?? '';
  const alive = view.containers.filter(
    ({ state }) => state === 'running' || state === 'created' || state === 'unknown',
  );
  const kill = (view: ContainerView, grace: number | undefined) =>
    killContainer(context, {
      pod,
      container: declared(pod, view.name),
      containerId: view.id,
      podIp,
      graceSeconds: grace,
    });
  const sidecarNames = (pod.spec.initContainers ?? []).filter(isRestartableInit).map(({ name }) => name);
  await Promise.all(
    alive.filter(({ name }) => !sidecarNames.includes(name)).map((view) => kill(view, graceSeconds)),
  );
  const whole = graceSeconds ?? graceOf({ pod, container: { name: '' }, containerId: '', podIp });
  for (const name of sidecarNames.toReversed()) {
    const left = whole - Math.floor((context.clock.now() - startedMs) / 1000);
    const sidecar = alive.find((view) => view.name === name);
    if (sidecar) await kill(sidecar, Math.max(left, Math.min(minGraceSeconds, whole)));
  }
  await Promise.all(view.sandboxes.map(({ id }) => context.runtime.stopPodSandbox(id)));
}

/** A container that runs but is declared no more still has a name to be stopped by. */
function declared(pod: Pod, name: string): Container {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...ephemeralContainers(pod)];
  return all.find((container) => container.name === name) ?? { name };
}

/** How events name a container of a pod. */
export function fieldPathOf(pod: Pod, name: string): string {
  if (pod.spec.initContainers?.some((container) => container.name === name))
    return `spec.initContainers{${name}}`;
  if (pod.spec.ephemeralContainers?.some((container) => container.name === name)) {
    return `spec.ephemeralContainers{${name}}`;
  }
  return `spec.containers{${name}}`;
}

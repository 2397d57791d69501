import type { ContainerStatus, Pod } from '../../lib/api/gen/types.ts';
import { isRestartableInit } from './restart-policy.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** Whether any container besides the init containers runs or has run: the pod was initialized, then. */
export function hasAnyContainerStarted(pod: Pod, statuses: readonly ContainerStatus[]): boolean {
  return pod.spec.containers.some((container) => {
    const status = statuses.find(({ name }) => name === container.name);
    return Boolean(
      status &&
        (status.started || status.state?.terminated || status.lastState?.terminated || status.state?.running),
    );
  });
}

/**
 * A pod's phase from the states of its containers (Pod lifecycle, "Pod phase"). `isTerminal` says that nothing of it
 * will be started again, whatever its restart policy says.
 */
export function podPhase(pod: Pod, statuses: readonly ContainerStatus[], isTerminal: boolean): PodPhase {
  const init = countInit(pod, statuses);
  const main = countMain(pod, statuses);
  const running = init.running + main.running;
  const waiting = init.waiting + main.waiting;
  const unknown = init.unknown + main.unknown;
  const policy = pod.spec.restartPolicy ?? 'Always';

  if (init.failed > 0 && policy === 'Never') return 'Failed';
  if (init.pending > 0 && !hasAnyContainerStarted(pod, statuses)) return 'Pending';
  if (waiting > 0) return 'Pending';
  if (running > 0 && unknown === 0) return 'Running';
  if (running > 0 || main.stopped === 0 || unknown > 0) return 'Pending';
  const succeeded = main.stopped === main.succeeded;
  if (isTerminal) return succeeded ? 'Succeeded' : 'Failed';
  if (main.restarting > 0) return 'Running';
  return succeeded ? 'Succeeded' : 'Failed';
}

function countInit(pod: Pod, statuses: readonly ContainerStatus[]) {
  const count = { pending: 0, failed: 0, running: 0, waiting: 0, unknown: 0 };
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find(({ name }) => name === container.name);
    const { running, terminated, waiting } = status?.state ?? {};
    const before = status?.lastState?.terminated;
    if (isRestartableInit(container)) {
      if (!status) count.unknown++;
      else if (running) {
        if (!status.started) count.pending++;
        count.running++;
      } else if (waiting && !before) {
        count.pending++;
        count.waiting++;
      } else if (!terminated && !waiting) {
        count.pending++;
        count.unknown++;
      }
    } else if (terminated) {
      if (terminated.exitCode !== 0) count.failed++;
    } else if (waiting && before) {
      if (before.exitCode !== 0) count.failed++;
    } else {
      count.pending++;
    }
  }
  return count;
}

function countMain(pod: Pod, statuses: readonly ContainerStatus[]) {
  const count = { running: 0, waiting: 0, stopped: 0, succeeded: 0, restarting: 0, unknown: 0 };
  for (const container of pod.spec.containers) {
    const status = statuses.find(({ name }) => name === container.name);
    const { running, terminated, waiting } = status?.state ?? {};
    const ended = terminated ?? (waiting ? status?.lastState?.terminated : undefined);
    if (running) count.running++;
    else if (ended) {
      count.stopped++;
      const success = terminated?.exitCode === 0;
      if (success) count.succeeded++;
      const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
      if (policy === 'Always' || (policy === 'OnFailure' && !success)) count.restarting++;
    } else if (waiting) count.waiting++;
    else count.unknown++;
  }
  return count;
}

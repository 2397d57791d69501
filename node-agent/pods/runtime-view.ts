import { readFile, stat } from 'node:fs/promises';
import type { ContainerInspection, SandboxRuntime } from '../cri/port.ts';
import type * as cri from '../cri/types.ts';
import { isKind } from '../../lib/errors.ts';
import { readLogTail } from './log-tail.ts';
import * as names from './names.ts';

/** A container as the runtime knows it. Times are milliseconds since the epoch; 0 where it has not come to that. */
export interface ContainerView {
  id: string;
  sandboxId: string;
  name: string;
  state: 'created' | 'running' | 'exited' | 'unknown';
  createdAtMs: number;
  startedAtMs: number;
  finishedAtMs: number;
  exitCode: number;
  reason: string;
  message: string;
  image: string;
  imageRef: string;
  /** Of the specification that it was made from. */
  hash: string;
  restartCount: number;
  logPath: string;
  user: { uid: number; gid: number; supplementalGroups: number[] } | undefined;
  resources: cri.LinuxResources | undefined;
}

/** All that the runtime holds of one pod, the newest first. */
export interface PodView {
  uid: string;
  sandboxes: cri.SandboxStatus[];
  containers: ContainerView[];
}

export function findContainer(view: PodView, name: string): ContainerView | undefined {
  return view.containers.find((container) => container.name === name);
}

/** The addresses of the newest ready sandbox; none on the node's own network. */
export function podIpsOf(view: PodView): string[] {
  const ready = view.sandboxes.find((sandbox) => sandbox.state === 'SANDBOX_READY');
  if (!ready?.network?.ip) return [];
  return [ready.network.ip, ...ready.network.additionalIps.map((additional) => additional.ip)];
}

const terminationMessageLimitBytes = 4096;
const fallbackLogLimits = { bytes: 2048, lines: 80 };

/** Reads one pod's sandboxes and containers as they are now. */
export async function readPodView(
  runtime: SandboxRuntime & ContainerInspection,
  owner: string,
  uid: string,
): Promise<PodView> {
  const labelSelector = { [names.ownerLabel]: owner, [names.podUidLabel]: uid };
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandboxes({ labelSelector }),
    runtime.listContainers({ labelSelector }),
  ]);
  const [sandboxStatuses, containerViews] = await Promise.all([
    Promise.all(sandboxes.map((sandbox) => ifStillThere(runtime.podSandboxStatus(sandbox.id)))),
    Promise.all(
      containers.map(async (container) => {
        const status = await ifStillThere(runtime.containerStatus(container.id));
        return status && viewOf(container, status);
      }),
    ),
  ]);
  return {
    uid,
    sandboxes: sandboxStatuses.filter(isThere).sort((a, b) => b.createdAt - a.createdAt),
    containers: containerViews.filter(isThere).sort((a, b) => b.createdAtMs - a.createdAtMs),
  };
}

const states: Record<cri.ContainerState, ContainerView['state']> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

async function viewOf(container: cri.Container, status: cri.ContainerStatus): Promise<ContainerView> {
  const { annotations, labels } = container;
  const state = states[status.state];
  return {
    id: container.id,
    sandboxId: container.podSandboxId,
    name: labels[names.containerNameLabel] ?? container.metadata.name,
    state,
    createdAtMs: status.createdAt / 1e6,
    startedAtMs: status.startedAt / 1e6,
    finishedAtMs: status.finishedAt / 1e6,
    exitCode: status.exitCode,
    reason: status.reason,
    message: state === 'exited' ? await terminationMessage(annotations, status) : status.message,
    image: status.image.image,
    imageRef: status.imageRef,
    hash: annotations[names.containerHashAnnotation] ?? '',
    restartCount: Number(annotations[names.restartCountAnnotation] ?? 0),
    logPath: status.logPath,
    user: status.user?.linux ?? undefined,
    resources: status.resources?.linux ?? undefined,
  };
}

/** What the container left in its termination message file, or the end of its log if it may fall back to that. */
async function terminationMessage(annotations: cri.Labels, status: cri.ContainerStatus): Promise<string> {
  const file = annotations[names.terminationMessageFileAnnotation];
  const written = file ? await readLimited(file, terminationMessageLimitBytes) : '';
  if (written) return written;
  const mayFallBack =
    annotations[names.terminationMessagePolicyAnnotation] === 'FallbackToLogsOnError' &&
    status.exitCode !== 0;
  if (mayFallBack && status.reason !== 'ContainerCannotRun') {
    const tail = await readLogTail(status.logPath, fallbackLogLimits);
    if (tail) return tail;
  }
  return status.message;
}

async function readLimited(file: string, limitBytes: number): Promise<string> {
  try {
    const { size } = await stat(file);
    const content = await readFile(file);
    return content.subarray(Math.max(0, size - limitBytes)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    return `Error on reading termination message from file ${file}: ${(error as Error).message}`;
  }
}

/** Between the list and the question about one of it, that one may have been removed. */
async function ifStillThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

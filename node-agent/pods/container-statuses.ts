import type { Container, ContainerState, ContainerStatus, Pod } from '../../lib/api/gen/types.ts';
import { rfc3339 } from '../../lib/clock.ts';
import { reportedResources } from './reported-resources.ts';
import { restartsAfter, shouldStart } from './restart-policy.ts';
import { type ContainerView, findContainer, type PodView } from './runtime-view.ts';

/** Why a container could not be started at the last attempt. */
export interface StartFailure {
  reason: string;
  message: string;
}

export interface ContainerStatusInput {
  pod: Pod;
  view: PodView;
  /** As last reported: what the runtime has forgotten is carried on from here. */
  previous: readonly ContainerStatus[];
  /** By container name. */
  failures: ReadonlyMap<string, StartFailure>;
  /** `containerd` of `containerd://<id>`. */
  runtimeName: string;
  isInit: boolean;
}

const lostMessage = 'The container could not be located when the pod was terminated';
const lostEarlierMessage =
  'The container could not be located when the pod was deleted.  The container used to be Running';

/** The statuses of the given containers in the API's terms; `ready` and `started` are left to the probes. */
export function containerStatuses(
  containers: readonly Container[],
  input: ContainerStatusInput,
): ContainerStatus[] {
  const statuses = containers.map((container) => containerStatus(container, input));
  return input.isInit ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function containerStatus(container: Container, input: ContainerStatusInput): ContainerStatus {
  const { pod, view, previous } = input;
  const old = previous.find(({ name }) => name === container.name);
  const [current, before] = view.containers.filter(({ name }) => name === container.name);
  const status = current ? fromRuntime(container, current, old, input) : fromNothing(container, pod, old);
  if (before) status.lastState = stateOf(before, undefined, input.runtimeName);
  else if (current && old?.lastState && status.restartCount > 0) status.lastState = old.lastState;
  return awaitingStart(container, status, input);
}

/** The state of a container that the runtime has (or had) under this name. */
function fromRuntime(
  container: Container,
  current: ContainerView,
  old: ContainerStatus | undefined,
  { runtimeName }: ContainerStatusInput,
): ContainerStatus {
  const state = stateOf(current, old, runtimeName);
  const lost = current.state === 'unknown' && state.terminated !== undefined;
  return {
    ...skeleton(container),
    image: current.image || (container.image ?? ''),
    imageID: current.imageRef,
    containerID: `${runtimeName}://${current.id}`,
    restartCount: lost && old ? old.restartCount + 1 : current.restartCount,
    state,
    ...(state.running ? reportedResources(container) : {}),
    ...(current.user ? { user: { linux: current.user } } : {}),
  };
}

function stateOf(view: ContainerView, old: ContainerStatus | undefined, runtimeName: string): ContainerState {
  switch (view.state) {
    case 'running':
      return { running: { startedAt: rfc3339(view.startedAtMs) } };
    case 'exited':
      return {
        terminated: {
          exitCode: view.exitCode,
          ...(view.reason ? { reason: view.reason } : {}),
          ...(view.message ? { message: view.message } : {}),
          ...(view.startedAtMs > 0 ? { startedAt: rfc3339(view.startedAtMs) } : {}),
          ...(view.finishedAtMs > 0 ? { finishedAt: rfc3339(view.finishedAtMs) } : {}),
          containerID: `${runtimeName}://${view.id}`,
        },
      };
    case 'unknown':
      if (old?.state?.running) {
        return { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: lostMessage } };
      }
      return { waiting: {} };
    case 'created':
      return { waiting: {} };
  }
}

/** The runtime knows nothing: it never ran, or was removed since. */
function fromNothing(container: Container, pod: Pod, old: ContainerStatus | undefined): ContainerStatus {
  if (old?.state?.terminated) return structuredClone(old);
  const reason = pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating';
  const status: ContainerStatus = {
    ...skeleton(container),
    restartCount: old?.restartCount ?? 0,
    state: { waiting: { reason } },
    ...(old?.lastState ? { lastState: old.lastState } : {}),
  };
  if (old?.state?.running && !old.lastState?.terminated) {
    status.lastState = {
      terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: lostEarlierMessage },
    };
    if (!pod.metadata.deletionTimestamp) status.restartCount++;
  }
  return status;
}

function skeleton(container: Container): ContainerStatus {
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    restartCount: 0,
    lastState: {},
    state: {},
    ...(container.volumeMounts
      ? {
          volumeMounts: container.volumeMounts.map((mount) => ({
            name: mount.name,
            mountPath: mount.mountPath,
            ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
          })),
        }
      : {}),
  };
}

/** A container that is to be started and could not be shows why, and keeps what it was as its last state. */
function awaitingStart(
  container: Container,
  status: ContainerStatus,
  input: ContainerStatusInput,
): ContainerStatus {
  const { pod, view, failures, isInit } = input;
  const current = findContainer(view, container.name);
  const completedInit = isInit && current?.state === 'exited' && current.exitCode === 0;
  if (completedInit && !restartsAfterSuccess(pod, container)) return status;
  const failure = failures.get(container.name);
  if (!failure || !shouldStart(pod, container, view)) return status;
  return {
    ...status,
    lastState: status.state?.terminated ? status.state : status.lastState,
    state: { waiting: { reason: failure.reason, ...(failure.message ? { message: failure.message } : {}) } },
  };
}

function restartsAfterSuccess(pod: Pod, container: Container): boolean {
  return container.restartPolicy === 'Always' && restartsAfter(pod, container, 0);
}

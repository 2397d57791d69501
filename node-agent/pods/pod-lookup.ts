import type { Container, ContainerStatus, Pod, PodStatus } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { isKind, KumulusError } from '../../lib/errors.ts';
import type { ContainerRuntime } from '../cri/port.ts';
import { ephemeralContainers } from './actions.ts';
import type { ContainerLog, ContainerRef, PodLookup, PodRef } from './lookup.ts';
import { findContainer, type PodView, podIpsOf, readPodView } from './runtime-view.ts';

export interface PodLookupOptions {
  runtime: ContainerRuntime;
  owner: string;
  pods: () => Persisted<Pod>[];
  status: (uid: string) => PodStatus | undefined;
}

/** Finds pods for the node's API. See the port for what its errors say. */
export function createPodLookup({ runtime, owner, pods, status }: PodLookupOptions): PodLookup {
  function find({ namespace, pod: name, podUid }: PodRef): Persisted<Pod> {
    const pod = pods().find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    if (!pod || (podUid && pod.metadata.uid !== podUid)) {
      throw new KumulusError('NotFound', `pod "${name}" does not exist`);
    }
    return pod;
  }
  const statusOf = (pod: Persisted<Pod>) => status(pod.metadata.uid) ?? pod.status ?? {};
  const viewOf = (pod: Persisted<Pod>): Promise<PodView> => readPodView(runtime, owner, pod.metadata.uid);

  return {
    pods: () => pods().map((pod) => ({ ...pod, status: statusOf(pod) })),
    async runningContainer(ref) {
      const pod = find(ref);
      const spec = containersOf(pod).find(({ name }) => name === ref.container);
      if (!spec) {
        throw new KumulusError('NotFound', `container "${ref.container}" not found in pod "${ref.pod}"`);
      }
      const container = findContainer(await viewOf(pod), ref.container);
      if (container?.state !== 'running') {
        throw new KumulusError('InternalError', `container not found ("${ref.container}")`);
      }
      return {
        podUid: pod.metadata.uid,
        sandboxId: container.sandboxId,
        containerId: container.id,
        tty: spec.tty ?? false,
        stdin: spec.stdin ?? false,
      };
    },
    async readySandbox(ref) {
      const pod = find(ref);
      const view = await viewOf(pod);
      const sandbox = view.sandboxes.find(({ state }) => state === 'SANDBOX_READY');
      if (!sandbox) throw new KumulusError('NotFound', `pod not found ("${ref.pod}_${ref.namespace}")`);
      const hostNetwork = pod.spec.hostNetwork ?? false;
      return {
        podUid: pod.metadata.uid,
        sandboxId: sandbox.id,
        hostNetwork,
        podIp: hostNetwork ? statusOf(pod).podIP : podIpsOf(view)[0],
      };
    },
    async containerLog(ref, { previous }) {
      const pod = find(ref);
      if (!containersOf(pod).some(({ name }) => name === ref.container)) {
        throw new KumulusError('NotFound', `container "${ref.container}" not found in pod "${ref.pod}"`);
      }
      const containerId = await logOwner(pod, ref, previous);
      return openLog(pod.metadata.uid, containerId);
    },
  };

  /** The runtime is asked first: it knows of a container that started since the last status was made. */
  async function logOwner(pod: Persisted<Pod>, ref: ContainerRef, previous: boolean): Promise<string> {
    const view = await viewOf(pod);
    const attempts = view.containers.filter(
      ({ name, state }) => name === ref.container && state !== 'created',
    );
    const [current, before] = attempts;
    if (previous) {
      // The one that runs is the current one; where none runs, the last that ended is.
      if (before) return before.id;
      return logContainerId(statusOf(pod), ref, true);
    }
    return current ? current.id : logContainerId(statusOf(pod), ref, false);
  }

  async function openLog(podUid: string, containerId: string): Promise<ContainerLog> {
    try {
      const { logPath } = await runtime.containerStatus(containerId);
      return {
        podUid,
        containerId,
        logPath,
        async isRunning() {
          try {
            return (await runtime.containerStatus(containerId)).state === 'CONTAINER_RUNNING';
          } catch (error) {
            if (isKind(error, 'NotFound')) return false;
            throw error;
          }
        },
      };
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
      throw badRequest(`unable to retrieve container logs for containerd://${containerId}`);
    }
  }
}

function containersOf(pod: Pod): Container[] {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...ephemeralContainers(pod)];
}

/** Which container's output is meant, from what is known of its states. */
function logContainerId(status: PodStatus, ref: ContainerRef, previous: boolean): string {
  const all = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const found = all.find(({ name }) => name === ref.container);
  const named = `container "${ref.container}" in pod "${ref.pod}"`;
  if (!found) throw badRequest(`${named} is not available`);
  const last = found.lastState?.terminated?.containerID;
  if (previous) {
    if (!last) throw badRequest(`previous terminated ${named} not found`);
    return bareId(last);
  }
  const id = found.state?.running ? found.containerID : (found.state?.terminated?.containerID ?? last);
  if (id) return bareId(id);
  if (found.state?.terminated || found.lastState?.terminated) throw badRequest(`${named} is terminated`);
  throw badRequest(`${named} is waiting to start${whyWaiting(found)}`);
}

function whyWaiting({ state }: ContainerStatus): string {
  switch (state?.waiting?.reason) {
    case undefined:
      return ' - no logs yet';
    case 'ErrImagePull':
      return ": image can't be pulled";
    case 'ImagePullBackOff':
      return ': trying and failing to pull image';
    default:
      return `: ${state?.waiting?.reason}`;
  }
}

function bareId(id: string): string {
  return id.replace(/^.*:\/\//, '');
}

function badRequest(message: string): KumulusError {
  return new KumulusError('BadRequest', message);
}

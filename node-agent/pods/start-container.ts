import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, Secret } from '../../lib/api/gen/types.ts';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import type { Image, SandboxConfig } from '../cri/types.ts';
import { containerConfig } from './container-config.ts';
import { containerHash } from './container-hash.ts';
import type { SyncContext } from './context.ts';
import { goDuration } from './backoff.ts';
import { etcHosts } from './etc-hosts.ts';
import { podHostname } from './hostname.ts';
import { fieldPathOf, killContainer } from './kill.ts';
import { podDir, podLogDir } from './paths.ts';
import { findContainer, type PodView } from './runtime-view.ts';
import { podRef } from './security.ts';
import { runtimeMessage, StartError } from './start-error.ts';

export interface StartRequest {
  pod: Pod;
  container: Container;
  view: PodView;
  sandboxId: string;
  sandboxConfig: SandboxConfig;
  podIps: readonly string[];
  pullSecrets: readonly Secret[];
  signal: AbortSignal;
}

/**
 * Starts one container: waits out its backoff, brings its image, creates it, starts it, runs its postStart hook.
 * Throws StartError with the reason that its status will show. The events are written on the way.
 */
export async function startContainer(context: SyncContext, request: StartRequest): Promise<void> {
  const { pod, container } = request;
  holdBack(context, request);
  const path = fieldPathOf(pod, container.name);
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    context.events.event(pod, type, reason, message, path);
  const failed = (error: unknown): never => {
    request.signal.throwIfAborted();
    if (error instanceof StartError) tell('Warning', 'Failed', `Error: ${error.eventText ?? error.message}`);
    throw error;
  };

  const image = await bringImage(context, request, path).catch(failed);
  const config = await configure(context, request, image).catch((error: unknown) =>
    failed(new StartError('CreateContainerConfigError', messageOf(error), { cause: error })),
  );
  const containerId = await context.runtime
    .createContainer(request.sandboxId, config, request.sandboxConfig)
    .catch((error: unknown) =>
      failed(new StartError('CreateContainerError', runtimeMessage(messageOf(error)), { cause: error })),
    );
  tell('Normal', 'Created', 'Container created');
  await context.runtime
    .startContainer(containerId)
    .catch((error: unknown) =>
      failed(new StartError('RunContainerError', runtimeMessage(messageOf(error)), { cause: error })),
    );
  tell('Normal', 'Started', 'Container started');

  const postStart = container.lifecycle?.postStart;
  if (!postStart) return;
  const podIp = request.podIps[0] ?? '';
  try {
    await context.hooks.run(postStart, { pod, container, containerId, podIp }, request.signal);
  } catch (error) {
    request.signal.throwIfAborted();
    tell('Warning', 'FailedPostStartHook', 'PostStartHook failed');
    await killContainer(context, { pod, container, containerId, podIp, message: 'FailedPostStartHook' });
    throw new StartError('PostStartHookError', messageOf(error), { cause: error });
  }
}

/** A container that ended waits longer each time, counted from when it ended. */
function holdBack({ startBackoff, events }: SyncContext, { pod, container, view }: StartRequest): void {
  const ended = view.containers.find(({ name, state }) => name === container.name && state === 'exited');
  if (!ended) return;
  const { name, namespace, uid } = pod.metadata;
  const key = `${name}_${namespace}_${uid}_${container.name}_${containerHash(container)}`;
  const retryInMs = startBackoff.remainingMs(key, ended.finishedAtMs);
  if (retryInMs === 0) {
    startBackoff.next(key, ended.finishedAtMs);
    return;
  }
  events.event(
    pod,
    'Warning',
    'BackOff',
    `Back-off restarting failed container ${container.name} in pod ${podRef(pod)}`,
    fieldPathOf(pod, container.name),
  );
  const message = `back-off ${goDuration(startBackoff.get(key))} restarting failed container=${container.name} pod=${podRef(pod)}`;
  throw new StartError('CrashLoopBackOff', message, { retryInMs });
}

function bringImage(context: SyncContext, request: StartRequest, fieldPath: string): Promise<Image> {
  const { pod, container, pullSecrets, sandboxConfig, signal } = request;
  return context.images
    .ensure(pod, container, { pullSecrets, sandboxConfig, fieldPath, signal })
    .catch((error: unknown) => {
      // Events say only that it failed; why stands in the pull's own event and in the container's status.
      if (error instanceof StartError) error.eventText = error.reason;
      throw error;
    });
}

async function configure(context: SyncContext, request: StartRequest, image: Image) {
  const { pod, container, view, podIps } = request;
  const before = findContainer(view, container.name);
  const restartCount = before ? before.restartCount + 1 : await countFromLogs(context, pod, container.name);
  const target = pod.spec.ephemeralContainers?.find(
    ({ name }) => name === container.name,
  )?.targetContainerName;
  const targetContainer = target ? findContainer(view, target) : undefined;
  if (target && !targetContainer) {
    throw new KumulusError('NotFound', `unable to find target container ${target}`);
  }
  return containerConfig(pod, container, {
    owner: context.owner,
    paths: context.paths,
    node: { ...context.node, podIps: pod.spec.hostNetwork ? context.node.hostIps : podIps },
    references: context.references,
    volumeMounts: (mounting, variables) => context.volumes.mountsFor(pod, mounting, variables),
    hostsFile: await writeHosts(context, pod, podIps),
    image,
    imageRef: image.id,
    restartCount,
    targetContainerId: targetContainer?.id,
  });
}

/** When the runtime has forgotten the earlier ones, their logs still tell how many there were. */
async function countFromLogs(context: SyncContext, pod: Pod, container: string): Promise<number> {
  try {
    const files = await readdir(join(podLogDir(context.paths, pod), container));
    const counts = files.map((file) => Number(/^(\d+)\.log/.exec(file)?.[1] ?? -1));
    return Math.max(-1, ...counts) + 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function writeHosts(context: SyncContext, pod: Pod, podIps: readonly string[]): Promise<string> {
  const directory = podDir(context.paths, pod.metadata.uid ?? '');
  const file = join(directory, 'etc-hosts');
  await mkdir(directory, { recursive: true, mode: 0o750 });
  await writeFile(file, await etcHosts(pod, podIps, podHostname(pod, context.dns.domain)), { mode: 0o644 });
  return file;
}

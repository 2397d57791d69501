import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ContainerRuntime } from '../cri/port.ts';
import { removeLogs } from './log-rotation.ts';
import * as names from './names.ts';
import type { NodePaths } from './paths.ts';

/** kubelet's maximum-dead-containers-per-container, and how often it looks. */
const deadContainersKept = 1;
const collectMs = 60_000;

export interface GarbageOptions {
  runtime: ContainerRuntime;
  owner: string;
  paths: NodePaths;
  clock: Clock;
  log: Logger;
}

/** Removes dead containers and sandboxes that nobody asks for any more, until the signal aborts. */
export async function collectGarbage(options: GarbageOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!signal.aborted) {
    await pause(clock, collectMs, signal);
    if (signal.aborted) return;
    try {
      await removeDeadContainers(options);
      await removeDeadSandboxes(options);
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'dead containers could not be removed');
    }
  }
}

/** Of each container of each pod the newest instance is kept, and one dead one before it for its logs. */
export async function removeDeadContainers({ runtime, owner, paths }: GarbageOptions): Promise<void> {
  const containers = await runtime.listContainers({ labelSelector: { [names.ownerLabel]: owner } });
  const instances = Map.groupBy(containers, ({ labels }) =>
    [labels[names.podUidLabel], labels[names.containerNameLabel]].join('/'),
  );
  for (const group of instances.values()) {
    const [, ...older] = group.sort((a, b) => b.createdAt - a.createdAt);
    const dead = older.filter(({ state }) => state === 'CONTAINER_EXITED' || state === 'CONTAINER_UNKNOWN');
    for (const container of dead.slice(deadContainersKept)) {
      await runtime.removeContainer(container.id);
      await removeLogs(paths, container);
    }
  }
}

/** A sandbox that has ended holds nothing; a pod's newest one still tells its history. */
async function removeDeadSandboxes({ runtime, owner }: GarbageOptions): Promise<void> {
  const labelSelector = { [names.ownerLabel]: owner };
  const sandboxes = await runtime.listPodSandboxes({ labelSelector });
  const containers = await runtime.listContainers({ labelSelector });
  for (const group of Map.groupBy(sandboxes, ({ metadata }) => metadata.uid).values()) {
    const [, ...older] = group.sort((a, b) => b.createdAt - a.createdAt);
    for (const { id, state } of older) {
      const isUsed = containers.some(({ podSandboxId }) => podSandboxId === id);
      if (state === 'SANDBOX_NOTREADY' && !isUsed) await runtime.removePodSandbox(id);
    }
  }
}

import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Clock, rfc3339, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ContainerInspection, ContainerLifecycle } from '../cri/port.ts';
import type { Container } from '../cri/types.ts';
import * as names from './names.ts';
import { containerLogPath, type NodePaths } from './paths.ts';

/** kubelet's containerLogMaxSize and containerLogMaxFiles. */
const maxBytes = 10 * 1024 * 1024;
const maxFiles = 5;
const checkMs = 10_000;

export interface LogRotationOptions {
  runtime: ContainerInspection & ContainerLifecycle;
  owner: string;
  paths: NodePaths;
  clock: Clock;
  log: Logger;
  limits?: { maxBytes: number; maxFiles: number };
}

/** Keeps the logs of running containers within their limits until the signal aborts. */
export async function keepLogsSmall(options: LogRotationOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, runtime, owner } = options;
  while (!signal.aborted) {
    await pause(clock, checkMs, signal);
    if (signal.aborted) return;
    try {
      const containers = await runtime.listContainers({ labelSelector: { [names.ownerLabel]: owner } });
      for (const container of containers) {
        if (container.state === 'CONTAINER_RUNNING') await rotateIfLarge(options, container);
      }
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'container logs could not be rotated');
    }
  }
}

/** Rotates one container's log when it has grown past the limit. */
export async function rotateIfLarge(options: LogRotationOptions, container: Container): Promise<void> {
  const { runtime, paths, clock, limits = { maxBytes, maxFiles } } = options;
  const path = logPathOf(paths, container);
  const size = await stat(path).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (size === undefined) {
    // Somebody moved it away: the runtime still writes to what nobody finds.
    await runtime.reopenContainerLog(container.id);
    return;
  }
  if (size < limits.maxBytes) return;
  // The current file and the one that becomes the newest rotated one count too.
  await removeExcess(path, limits.maxFiles - 2);
  for (const rotated of await rotatedFiles(path)) if (!rotated.endsWith('.gz')) await compress(rotated);
  const stamp = rfc3339(clock.now()).replace(/[-:Z]/g, '').replace('T', '-');
  const target = `${path}.${stamp}`;
  await rename(path, target);
  try {
    await runtime.reopenContainerLog(container.id);
  } catch (error) {
    await rename(target, path);
    throw error;
  }
}

/** Removes a log and all that was rotated away from it. */
export async function removeLogs(paths: NodePaths, container: Container): Promise<void> {
  const path = logPathOf(paths, container);
  for (const file of [path, ...(await rotatedFiles(path))]) await rm(file, { force: true });
}

function logPathOf(paths: NodePaths, { labels, metadata }: Container): string {
  const pod = [labels[names.podNamespaceLabel], labels[names.podNameLabel], labels[names.podUidLabel]].join(
    '_',
  );
  return join(paths.logs, pod, containerLogPath(labels[names.containerNameLabel] ?? '', metadata.attempt));
}

/** The oldest first: their names end in the time at which they were rotated. */
async function rotatedFiles(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const files = await readdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const rotated = files.filter((file) => file.startsWith(prefix));
  // Left by a compression that was interrupted.
  for (const file of rotated) if (file.endsWith('.tmp')) await rm(join(dirname(path), file), { force: true });
  return rotated
    .filter((file) => !file.endsWith('.tmp'))
    .sort()
    .map((file) => join(dirname(path), file));
}

async function removeExcess(path: string, keep: number): Promise<void> {
  const files = await rotatedFiles(path);
  for (const file of files.slice(0, Math.max(0, files.length - keep))) await rm(file, { force: true });
}

async function compress(path: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary));
  await rename(temporary, `${path}.gz`);
  await rm(path, { force: true });
}

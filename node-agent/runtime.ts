/** What the agent asks the container runtime beside its pods: that it is there, and what a Node tells of its images. */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { ContainerRuntime } from './cri/port.ts';
import type { RuntimeVersion } from './cri/types.ts';

const runtimeRetryMs = 250;
const runtimeAttempts = 240;

/** Resolves once the runtime answers, which may start beside the agent. @throws the last error after a minute */
export async function waitForRuntime(
  runtime: ContainerRuntime,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<RuntimeVersion> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runtime.version();
    } catch (error) {
      if (attempt === runtimeAttempts) throw error;
      if (attempt === 1) log.info({ err: messageOf(error) }, 'waiting for the container runtime');
      await clock.sleep(runtimeRetryMs, signal);
    }
  }
}

/** Where the runtime keeps images; undefined where it does not tell. */
export async function imageFilesystem(runtime: ContainerRuntime, log: Logger): Promise<string | undefined> {
  try {
    const [filesystem] = await runtime.imageFilesystems();
    return filesystem?.fsId?.mountpoint;
  } catch (error) {
    log.warn(
      { err: messageOf(error) },
      'the runtime does not tell where images are kept; their disk is not watched',
    );
    return undefined;
  }
}

/** For the Node's status, which can do without them until it is reported the next time. */
export async function listedImages(
  runtime: ContainerRuntime,
  log: Logger,
): ReturnType<ContainerRuntime['listImages']> {
  try {
    return await runtime.listImages();
  } catch (error) {
    log.warn({ err: error }, 'the images of the runtime could not be listed');
    return [];
  }
}

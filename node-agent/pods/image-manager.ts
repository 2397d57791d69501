import type { Container, Pod, Secret } from '../../lib/api/gen/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { ImageRuntime } from '../cri/port.ts';
import type { AuthConfig, Image, SandboxConfig } from '../cri/types.ts';
import { createBackoff, goDuration, type Backoff } from './backoff.ts';
import { withDefaultTag } from './image-name.ts';
import { credentialsFor } from './pull-secrets.ts';
import type { PodEvents } from './sources.ts';
import { StartError } from './start-error.ts';

/** Sees to it that a container's image is on the node. */
export interface ImageManager {
  /** The image, pulled if its policy wants that. Throws StartError with kubelet's reasons; the events are written. */
  ensure(pod: Pod, container: Container, options: EnsureOptions): Promise<Image>;
  collect(): void;
}

interface EnsureOptions {
  pullSecrets: readonly Secret[];
  sandboxConfig: SandboxConfig;
  fieldPath: string;
  signal: AbortSignal;
}

export function createImageManager(runtime: ImageRuntime, events: PodEvents, clock: Clock): ImageManager {
  const backoff: Backoff = createBackoff(clock);
  const lastError = new Map<string, string>();
  // Pulls are done one after another, so that a large image does not starve all others of the disk at once
  // (kubelet's serializeImagePulls).
  let queue: Promise<unknown> = Promise.resolve();

  async function inspect(image: string, fail: (reason: 'ImageInspectError', message: string) => never) {
    try {
      return await runtime.imageStatus(image);
    } catch (error) {
      return fail('ImageInspectError', `Failed to inspect image "${image}": ${messageOf(error)}`);
    }
  }

  async function pull(
    name: string,
    auths: AuthConfig[],
    { sandboxConfig, signal }: EnsureOptions,
  ): Promise<void> {
    const attempts: (AuthConfig | undefined)[] = auths.length > 0 ? auths : [undefined];
    const errors: unknown[] = [];
    for (const auth of attempts) {
      signal.throwIfAborted();
      try {
        await runtime.pullImage(name, { auth, sandboxConfig, signal });
        return;
      } catch (error) {
        errors.push(error);
      }
    }
    signal.throwIfAborted();
    throw errors.length === 1 ? errors[0] : new Error(`[${errors.map(messageOf).join(', ')}]`);
  }

  return {
    async ensure(pod, container, options) {
      const requested = container.image ?? '';
      const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
        events.event(pod, type, reason, message, options.fieldPath);
      const fail =
        (eventReason: string) =>
        (reason: StartError['reason'], message: string): never => {
          tell('Warning', eventReason, message);
          throw new StartError(reason, message);
        };

      let name: string;
      try {
        name = withDefaultTag(requested);
      } catch (error) {
        const message = `Failed to apply default image tag "${requested}": ${messageOf(error)}`;
        return fail('InspectFailed')('InvalidImageName', message);
      }
      const present = await inspect(name, fail('InspectFailed'));
      const policy = container.imagePullPolicy ?? 'IfNotPresent';
      if (present && policy !== 'Always') {
        tell(
          'Normal',
          'Pulled',
          `Container image "${requested}" already present on machine and can be accessed by the pod`,
        );
        return present;
      }
      if (policy === 'Never') {
        const message = `Container image "${requested}" is not present with pull policy of Never`;
        return fail('ErrImageNeverPull')('ErrImageNeverPull', message);
      }

      const key = `${pod.metadata.uid}_${requested}`;
      const waitMs = backoff.remainingSinceUpdateMs(key);
      if (waitMs > 0) {
        const message = `Back-off pulling image "${requested}"`;
        tell('Normal', 'BackOff', message);
        const before = lastError.get(key);
        throw new StartError('ImagePullBackOff', before ? `${message}: ${before}` : message, {
          retryInMs: waitMs,
        });
      }

      tell('Normal', 'Pulling', `Pulling image "${requested}"`);
      const askedMs = clock.now();
      const turn = queue;
      const pulled = (async () => {
        await turn;
        const startedMs = clock.now();
        await pull(name, credentialsFor(name, options.pullSecrets), options);
        return clock.now() - startedMs;
      })();
      // Its own pod is told; the next pull only waits for its turn.
      queue = pulled.catch(() => undefined);
      let tookMs: number;
      try {
        tookMs = await pulled;
      } catch (error) {
        options.signal.throwIfAborted();
        const message = messageOf(error);
        tell('Warning', 'Failed', `Failed to pull image "${requested}": ${message}`);
        backoff.next(key, clock.now());
        lastError.set(key, `ErrImagePull: ${message}`);
        throw new StartError('ErrImagePull', message, { retryInMs: backoff.get(key), cause: error });
      }
      lastError.delete(key);
      const image = await inspect(name, fail('InspectFailed'));
      if (!image)
        return fail('InspectFailed')(
          'ImageInspectError',
          `Failed to inspect image "${requested}": not found`,
        );
      tell(
        'Normal',
        'Pulled',
        `Successfully pulled image "${requested}" in ${goDuration(tookMs)} (${goDuration(clock.now() - askedMs)} including waiting). Image size: ${image.size} bytes.`,
      );
      return image;
    },
    collect() {
      backoff.collect();
      for (const key of lastError.keys()) if (backoff.get(key) === 0) lastError.delete(key);
    },
  };
}

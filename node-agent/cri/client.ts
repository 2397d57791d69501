import {
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../lib/clock.ts';
import { isKind } from '../../lib/errors.ts';
import { runtimeError } from './errors.ts';
import type { ContainerRuntime } from './port.ts';
import type * as cri from './types.ts';

const secondMs = 1_000;
const defaultTimeoutMs = 120 * secondMs;
/** The network plugin and the sandbox image are in the way of a sandbox: kubelet gives it twice the usual time. */
const sandboxTimeoutMs = 240 * secondMs;
/** What the gRPC deadline adds to a timeout that the runtime keeps itself, so that the runtime's answer wins. */
const graceMs = 10 * secondMs;
const maxMessageBytes = 16 * 1024 * 1024;

type Unary = (
  request: object,
  options: { deadline?: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => { cancel(): void };
type ServerStream = (request: object) => ClientReadableStream<unknown>;

interface ServiceClient {
  close(): void;
  [method: string]: unknown;
}
type ServiceConstructor = new (
  address: string,
  credential: ReturnType<typeof credentials.createInsecure>,
  options: object,
) => ServiceClient;

/**
 * Connects to a runtime's socket (`unix:///run/containerd/containerd.sock`). Nothing is sent before the first call, and
 * a runtime that goes away and comes back is reached again.
 */
export function connectRuntime(endpoint: string): ContainerRuntime {
  const definition = loadSync(fileURLToPath(new URL('runtime.proto', import.meta.url)), {
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  });
  const { runtime } = loadPackageDefinition(definition) as unknown as {
    runtime: { v1: { RuntimeService: ServiceConstructor; ImageService: ServiceConstructor } };
  };
  const options = {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    // A proxy of the environment has no business on a unix socket.
    'grpc.enable_http_proxy': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 3_000,
    // Over a unix socket the authority would be the percent-encoded path, which Go's HTTP/2 server refuses.
    'grpc.default_authority': 'localhost',
  };
  const runtimeService = new runtime.v1.RuntimeService(endpoint, credentials.createInsecure(), options);
  const imageService = new runtime.v1.ImageService(endpoint, credentials.createInsecure(), options);

  function invoke<R>(
    service: ServiceClient,
    method: string,
    request: object,
    timeoutMs: number | undefined,
    signal?: AbortSignal,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const deadline = timeoutMs === undefined ? undefined : systemClock.now() + timeoutMs;
      const call = (service[method] as Unary).call(service, request, { deadline }, (error, response) => {
        signal?.removeEventListener('abort', onAbort);
        if (error) reject(signal?.aborted ? (signal.reason as Error) : runtimeError(error));
        else resolve(response as R);
      });
      const onAbort = () => call.cancel();
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
  const run = <R = unknown>(method: string, request: object = {}, timeoutMs = defaultTimeoutMs) =>
    invoke<R>(runtimeService, method, request, timeoutMs);
  const image = <R = unknown>(method: string, request: object = {}, timeoutMs = defaultTimeoutMs) =>
    invoke<R>(imageService, method, request, timeoutMs);

  return {
    close() {
      runtimeService.close();
      imageService.close();
    },
    version: () => run<cri.RuntimeVersion>('Version', { version: '0.1.0' }),
    status: async () => (await run<{ status: cri.RuntimeStatus }>('Status')).status,
    updateRuntimeConfig: async (podCidr) => {
      await run('UpdateRuntimeConfig', { runtimeConfig: { networkConfig: { podCidr } } });
    },

    runPodSandbox: async (config, runtimeHandler) =>
      (await run<{ podSandboxId: string }>('RunPodSandbox', { config, runtimeHandler }, sandboxTimeoutMs))
        .podSandboxId,
    stopPodSandbox: async (podSandboxId) => {
      await ignoreNotFound(run('StopPodSandbox', { podSandboxId }));
    },
    removePodSandbox: async (podSandboxId) => {
      await ignoreNotFound(run('RemovePodSandbox', { podSandboxId }));
    },
    podSandboxStatus: async (podSandboxId) =>
      (await run<{ status: cri.SandboxStatus }>('PodSandboxStatus', { podSandboxId })).status,
    listPodSandboxes: async (filter) =>
      (await run<{ items: cri.Sandbox[] }>('ListPodSandbox', { filter })).items,

    createContainer: async (podSandboxId, config, sandboxConfig) =>
      (await run<{ containerId: string }>('CreateContainer', { podSandboxId, config, sandboxConfig }))
        .containerId,
    startContainer: async (containerId) => {
      await run('StartContainer', { containerId });
    },
    stopContainer: async (containerId, timeoutSeconds) => {
      const timeoutMs = timeoutSeconds * secondMs + defaultTimeoutMs;
      await ignoreNotFound(run('StopContainer', { containerId, timeout: timeoutSeconds }, timeoutMs));
    },
    removeContainer: async (containerId) => {
      await ignoreNotFound(run('RemoveContainer', { containerId }));
    },
    updateContainerResources: async (containerId, linux) => {
      await run('UpdateContainerResources', { containerId, linux });
    },
    reopenContainerLog: async (containerId) => {
      await run('ReopenContainerLog', { containerId });
    },

    listContainers: async (filter) =>
      (await run<{ containers: cri.Container[] }>('ListContainers', { filter })).containers,
    containerStatus: async (containerId) =>
      (await run<{ status: cri.ContainerStatus }>('ContainerStatus', { containerId })).status,
    containerStats: async (containerId) =>
      (await run<{ stats: cri.ContainerStats }>('ContainerStats', { containerId })).stats,
    listContainerStats: async (filter) =>
      (await run<{ stats: cri.ContainerStats[] }>('ListContainerStats', { filter })).stats,
    containerEvents: (signal) =>
      readStream<cri.ContainerEvent>(
        () => (runtimeService['GetContainerEvents'] as ServerStream).call(runtimeService, {}),
        signal,
      ),

    execSync: (containerId, cmd, timeoutSeconds) =>
      invoke<cri.ExecResult>(
        runtimeService,
        'ExecSync',
        { containerId, cmd, timeout: timeoutSeconds },
        timeoutSeconds > 0 ? timeoutSeconds * secondMs + graceMs : undefined,
      ),
    exec: async (containerId, cmd, options) =>
      (await run<{ url: string }>('Exec', { containerId, cmd, ...options })).url,
    attach: async (containerId, options) =>
      (await run<{ url: string }>('Attach', { containerId, ...options })).url,
    portForward: async (podSandboxId, port) =>
      (await run<{ url: string }>('PortForward', { podSandboxId, port })).url,

    listImages: async () => (await image<{ images: cri.Image[] }>('ListImages')).images,
    imageStatus: async (name) =>
      (await image<{ image: cri.Image | null }>('ImageStatus', { image: { image: name } })).image ??
      undefined,
    pullImage: async (name, { auth, sandboxConfig, signal }) => {
      const request = { image: { image: name }, auth, sandboxConfig };
      return (await invoke<{ imageRef: string }>(imageService, 'PullImage', request, undefined, signal))
        .imageRef;
    },
    removeImage: async (name) => {
      await ignoreNotFound(image('RemoveImage', { image: { image: name } }));
    },
    imageFilesystems: async () =>
      (await image<{ imageFilesystems: cri.FilesystemUsage[] }>('ImageFsInfo')).imageFilesystems,
  };
}

async function ignoreNotFound(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
}

async function* readStream<T>(
  open: () => ClientReadableStream<unknown>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  if (signal.aborted) return;
  const stream = open();
  const cancel = () => stream.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const message of stream) yield message as T;
  } catch (error) {
    if (!signal.aborted) throw runtimeError(error as ServiceError);
  } finally {
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

import type * as cri from './types.ts';

/**
 * A CRI v1 runtime. Every call has a deadline of its own (two minutes unless its comment says otherwise) and fails with
 * a KumulusError: `NotFound`, `AlreadyExists`, `BadRequest`, `Timeout` (deadline), `ServiceUnavailable` (nobody
 * answers on the socket), `InternalError`; the message is the runtime's, in gRPC's form
 * (`rpc error: code = NotFound desc = …`). Stop and remove calls succeed when there is nothing left to do.
 */
export interface ContainerRuntime
  extends RuntimeInfo,
    SandboxRuntime,
    ContainerLifecycle,
    ContainerInspection,
    ProcessStreams,
    ImageRuntime {
  close(): void;
}

export interface RuntimeInfo {
  version(): Promise<cri.RuntimeVersion>;
  status(): Promise<cri.RuntimeStatus>;
  /** Tells the runtime the node's pod range, for runtimes that write their CNI configuration from it. */
  updateRuntimeConfig(podCidr: string): Promise<void>;
}

export interface SandboxRuntime {
  /** Creates the sandbox with its network; answers its id. Four minutes, as the network may be slow to come. */
  runPodSandbox(config: cri.SandboxConfig, runtimeHandler: string): Promise<string>;
  /** Ends its containers and takes its network down. */
  stopPodSandbox(sandboxId: string): Promise<void>;
  removePodSandbox(sandboxId: string): Promise<void>;
  podSandboxStatus(sandboxId: string): Promise<cri.SandboxStatus>;
  listPodSandboxes(filter?: { labelSelector?: cri.Labels }): Promise<cri.Sandbox[]>;
}

export interface ContainerLifecycle {
  createContainer(
    sandboxId: string,
    config: cri.ContainerConfig,
    sandboxConfig: cri.SandboxConfig,
  ): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** The stop signal, then SIGKILL after `timeoutSeconds`. Waits for both. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  removeContainer(containerId: string): Promise<void>;
  updateContainerResources(containerId: string, resources: cri.LinuxResources): Promise<void>;
  /** Makes the runtime open the log file again, after it was rotated away. */
  reopenContainerLog(containerId: string): Promise<void>;
}

export interface ContainerInspection {
  listContainers(filter?: { podSandboxId?: string; labelSelector?: cri.Labels }): Promise<cri.Container[]>;
  containerStatus(containerId: string): Promise<cri.ContainerStatus>;
  containerStats(containerId: string): Promise<cri.ContainerStats>;
  listContainerStats(filter?: {
    podSandboxId?: string;
    labelSelector?: cri.Labels;
  }): Promise<cri.ContainerStats[]>;
  /** What happens to containers, as it happens. Throws `MethodNotAllowed` on a runtime without events (containerd before 1.7). */
  containerEvents(signal: AbortSignal): AsyncIterable<cri.ContainerEvent>;
}

export interface ProcessStreams {
  /** Runs a command to its end. `Timeout` when it takes longer than `timeoutSeconds` (0: no limit; callers must be able to stop waiting). */
  execSync(containerId: string, command: string[], timeoutSeconds: number): Promise<cri.ExecResult>;
  /** Each answers the URL, on the node's loopback, where the runtime serves the streams once (SPDY, WebSocket). */
  exec(containerId: string, command: string[], options: cri.StreamOptions): Promise<string>;
  attach(containerId: string, options: cri.StreamOptions): Promise<string>;
  portForward(sandboxId: string, ports: number[]): Promise<string>;
}

export interface ImageRuntime {
  listImages(): Promise<cri.Image[]>;
  /** Undefined when the image is not on this node. */
  imageStatus(image: string): Promise<cri.Image | undefined>;
  /** Answers the image's reference. Goes on as long as the signal lets it. */
  pullImage(
    image: string,
    options: { auth?: cri.AuthConfig; sandboxConfig?: cri.SandboxConfig; signal?: AbortSignal },
  ): Promise<string>;
  removeImage(image: string): Promise<void>;
  imageFilesystems(): Promise<cri.FilesystemUsage[]>;
}

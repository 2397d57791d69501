import type { Pod } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';

/** Names a pod as the paths of the node's API do (`/exec/{namespace}/{pod}/{uid}/{container}`). */
export interface PodRef {
  namespace: string;
  pod: string;
  /** Where given, a pod of that name with another uid is not found. */
  podUid?: string;
}

export interface ContainerRef extends PodRef {
  container: string;
}

/** A container that runs now: the target of exec and attach. */
export interface RunningContainer {
  podUid: string;
  sandboxId: string;
  containerId: string;
  /** As the container was declared: attach must use what the container was created with. */
  tty: boolean;
  stdin: boolean;
}

/** A ready sandbox: the target of port-forward. */
export interface ReadySandbox {
  podUid: string;
  sandboxId: string;
  /** The pod shares the node's network, so its ports are the node's. */
  hostNetwork: boolean;
  podIp: string | undefined;
}

/** Where a container's output is kept. The file may still be absent while the container starts. */
export interface ContainerLog {
  podUid: string;
  containerId: string;
  /** Absolute path of the current file, in the CRI log format; rotated ones are beside it. */
  logPath: string;
  /** Asks for the state now: false once nothing more will be written, so that `follow` can end. */
  isRunning(): Promise<boolean>;
}

/**
 * How the node's API finds what it streams from. Every method answers from the agent's pods and the runtime's state
 * as of now. Errors are KumulusErrors with kubelet's words:
 * - `NotFound`: `pod "x" does not exist`, `container "c" not found in pod "x"`;
 * - `InternalError`: `container not found ("c")` when it is declared but does not run (exec, attach);
 * - `BadRequest`: `container "c" in pod "x" is waiting to start: ContainerCreating`, `previous terminated container
 *   "c" in pod "x" not found`, … (logs).
 */
export interface PodLookup {
  /** Every pod that is bound to this node, with the status that the agent sees (`GET /pods`). */
  pods(): Persisted<Pod>[];
  runningContainer(ref: ContainerRef): Promise<RunningContainer>;
  readySandbox(ref: PodRef): Promise<ReadySandbox>;
  containerLog(ref: ContainerRef, options: { previous: boolean }): Promise<ContainerLog>;
}

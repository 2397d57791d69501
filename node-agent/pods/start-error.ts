/** Why a container is waiting: kubelet's reasons (`state.waiting.reason`). */
export type WaitingReason =
  | 'CrashLoopBackOff'
  | 'ImagePullBackOff'
  | 'ErrImagePull'
  | 'ImageInspectError'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'PostStartHookError';

/** A container could not be started; the next sync tries again, not before `retryInMs` where that is known. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: WaitingReason;
  readonly retryInMs: number | undefined;
  /** What the Failed event says instead of the message. */
  eventText: string | undefined;

  constructor(reason: WaitingReason, message: string, options: { retryInMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.retryInMs = options.retryInMs;
  }
}

/** What the runtime said, without gRPC's preamble. */
export function runtimeMessage(message: string): string {
  return message.replace(/^rpc error: code = \S+ desc = /, '');
}

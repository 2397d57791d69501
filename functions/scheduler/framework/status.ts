/**
 * What a plugin says of a pod, or of a pod on a node. Success is `undefined`, as it is by far the most frequent answer.
 *
 * - `Unschedulable`: not now; another pod's removal could help, so that preemption may be tried.
 * - `UnschedulableAndUnresolvable`: not now, and no removal of pods would help.
 * - `Pending`: waits for something outside; not tried again before a plugin says so.
 * - `Wait`: from Permit only; the pod waits to be allowed or rejected.
 * - `Skip`: from PreFilter and PreScore: the plugin's Filter or Score has nothing to say about this pod; from Bind:
 *   the next binder is asked.
 * - `Error`: a fault; tried again after a backoff.
 */
export type StatusCode =
  | 'Error'
  | 'Unschedulable'
  | 'UnschedulableAndUnresolvable'
  | 'Pending'
  | 'Wait'
  | 'Skip';

export interface Status {
  readonly code: StatusCode;
  /** Words that users see in events and conditions. */
  readonly reasons: readonly string[];
  /** Filled in by the framework. */
  readonly plugin?: string;
  readonly error?: unknown;
}

export const skip: Status = { code: 'Skip', reasons: [] };

export function unschedulable(...reasons: string[]): Status {
  return { code: 'Unschedulable', reasons };
}

export function unresolvable(...reasons: string[]): Status {
  return { code: 'UnschedulableAndUnresolvable', reasons };
}

export function errorStatus(error: unknown): Status {
  return { code: 'Error', reasons: [error instanceof Error ? error.message : String(error)], error };
}

/** A pod that was turned down, as opposed to a fault of ours. */
export function isRejected(status: Status): boolean {
  return (
    status.code === 'Unschedulable' ||
    status.code === 'UnschedulableAndUnresolvable' ||
    status.code === 'Pending'
  );
}

export function statusMessage(status: Status | undefined): string {
  return status?.reasons.join(', ') ?? '';
}

/** The status with the name of the plugin that gave it, for the queue and the events. */
export function by(plugin: string, status: Status): Status {
  return status.plugin === plugin ? status : { ...status, plugin };
}

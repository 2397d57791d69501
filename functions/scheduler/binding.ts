import type { Clock } from '../../lib/clock.ts';
import type { CycleState } from './framework/cycle-state.ts';
import type { PodInfo } from './framework/pod-info.ts';
import { type Profile, runReserve, runUnreserve } from './framework/profile.ts';
import { by, errorStatus, isRejected, type Status } from './framework/status.ts';
import type { WaitingPods } from './framework/waiting-pods.ts';

/** A pod that has a node and holds what plugins reserved for it. */
export interface Reservation {
  profile: Profile;
  state: CycleState;
  pod: PodInfo;
  nodeName: string;
  /** Permit plugins that hold the pod back, with how long at most, in ms. */
  waits: Map<string, number>;
}

/** The end of the scheduling cycle, still synchronous: Reserve and Permit. What failed is undone. */
export function reserve(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  nodeName: string,
): Reservation | Status {
  const failed = runReserve(profile, state, pod, nodeName);
  if (failed) {
    runUnreserve(profile, state, pod, nodeName);
    return failed;
  }
  const waits = new Map<string, number>();
  for (const plugin of profile.permit) {
    const outcome = plugin.permit(state, pod, nodeName);
    if (!outcome) continue;
    if (outcome.status.code === 'Wait') waits.set(plugin.name, outcome.timeoutMs ?? 0);
    else {
      runUnreserve(profile, state, pod, nodeName);
      return by(plugin.name, outcome.status);
    }
  }
  return { profile, state, pod, nodeName, waits };
}

/** The binding cycle: waits for Permit, then PreBind, Bind and PostBind. A failure undoes the reservation. */
export async function bind(
  reservation: Reservation,
  waiting: WaitingPods,
  clock: Clock,
  signal: AbortSignal,
): Promise<Status | undefined> {
  const { profile, state, pod, nodeName, waits } = reservation;
  const status = await attempt();
  if (status) runUnreserve(profile, state, pod, nodeName);
  else for (const plugin of profile.postBind) plugin.postBind(state, pod, nodeName);
  return status;

  async function attempt(): Promise<Status | undefined> {
    if (waits.size > 0) {
      const rejected = await waiting.wait(pod, nodeName, waits, clock, signal);
      if (rejected) return rejected;
    }
    try {
      for (const plugin of profile.preBind) {
        const failed = await plugin.preBind(state, pod, nodeName, signal);
        if (failed) return asFault(by(plugin.name, failed));
      }
      for (const plugin of profile.bind) {
        const answer = await plugin.bind(state, pod, nodeName, signal);
        if (answer?.code === 'Skip') continue;
        return answer && asFault(by(plugin.name, answer));
      }
      return errorStatus(new Error('no Bind plugin took the pod'));
    } catch (error) {
      return errorStatus(error);
    }
  }
}

/** After Permit a pod counts as schedulable: whatever fails then is tried again after a backoff. */
function asFault(status: Status): Status {
  return isRejected(status) ? { ...status, code: 'Error' } : status;
}

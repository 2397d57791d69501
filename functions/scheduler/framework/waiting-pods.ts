import type { Clock } from '../../../lib/clock.ts';
import type { WaitingPod } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import { by, type Status, unschedulable } from './status.ts';

/** The longest a plugin may hold a pod back at Permit. */
const maxWaitMs = 15 * 60_000;

/** Pods that hold a node while a Permit plugin makes up its mind. */
export class WaitingPods {
  readonly #waiting = new Map<string, WaitingPod>();

  get(podKey: string): WaitingPod | undefined {
    return this.#waiting.get(podKey);
  }

  /** Resolves to undefined when every plugin allowed it, to a status when one rejected it or took too long. */
  async wait(
    pod: PodInfo,
    nodeName: string,
    timeouts: ReadonlyMap<string, number>,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<Status | undefined> {
    const stop = new AbortController();
    const pending = new Set(timeouts.keys());
    let verdict: Status | undefined;
    const end = (status: Status | undefined) => {
      verdict = status;
      stop.abort();
    };
    this.#waiting.set(pod.key, {
      pod,
      nodeName,
      allow(plugin) {
        pending.delete(plugin);
        if (pending.size === 0) end(undefined);
      },
      reject: (plugin, message) => end(by(plugin, unschedulable(message))),
    });
    const [first] = [...timeouts].sort((a, b) => a[1] - b[1]);
    const [slowest, timeoutMs] = first ?? ['', 0];
    try {
      await clock.sleep(Math.min(timeoutMs, maxWaitMs), AbortSignal.any([stop.signal, signal]));
      return by(
        slowest,
        unschedulable(`rejected due to timeout after waiting ${timeoutMs / 1000}s at plugin ${slowest}`),
      );
    } catch {
      // Woken early: by a verdict, or because the scheduler stops.
      return signal.aborted ? by(slowest, unschedulable('the scheduler is stopping')) : verdict;
    } finally {
      this.#waiting.delete(pod.key);
    }
  }
}

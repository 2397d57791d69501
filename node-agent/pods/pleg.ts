import { type Clock, pause } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ContainerInspection, SandboxRuntime } from '../cri/port.ts';
import * as names from './names.ts';

const relistMs = 1_000;
/** While things are happening: what follows from a start or an end usually comes soon. */
const busyRelistMs = 250;
const busyForMs = 3_000;
const eventRetryMs = 30_000;

/** Notices what happens to containers behind the agent's back. */
export interface LifecycleEvents {
  /** Uids of pods of which the runtime has anything. As of the last list. */
  uids(): ReadonlySet<string>;
  /** Milliseconds since the epoch of the last list that succeeded; 0 before the first. */
  lastRelistMs(): number;
  /** Resolves after the first list that succeeded. */
  readonly listed: Promise<void>;
  /** Something was started or stopped: look more often for a while. */
  expectChange(): void;
  /** Lists until the signal aborts, and hands the uid of every pod that changed to `changed`. */
  run(signal: AbortSignal, changed: (uid: string) => void): Promise<void>;
}

/**
 * Lists all sandboxes and containers of ours about once a second and compares (kubelet's pod lifecycle event
 * generator); where the runtime sends events, each makes for a list at once.
 */
export function createLifecycleEvents(
  runtime: SandboxRuntime & ContainerInspection,
  owner: string,
  clock: Clock,
  log: Logger,
): LifecycleEvents {
  let known = new Map<string, string>();
  let lastRelistMs = 0;
  let busyUntilMs = 0;
  let wake: (() => void) | undefined;
  const listed = Promise.withResolvers<void>();

  async function relist(changed: (uid: string) => void): Promise<void> {
    const labelSelector = { [names.ownerLabel]: owner };
    const [sandboxes, containers] = await Promise.all([
      runtime.listPodSandboxes({ labelSelector }),
      runtime.listContainers({ labelSelector }),
    ]);
    const states = new Map<string, string[]>();
    for (const { id, state, labels } of [...sandboxes, ...containers]) {
      const uid = labels[names.podUidLabel] ?? '';
      const list = states.get(uid) ?? [];
      states.set(uid, list);
      list.push(`${id}=${state}`);
    }
    const now = new Map([...states].map(([uid, list]) => [uid, list.sort().join(' ')]));
    lastRelistMs = clock.now();
    listed.resolve();
    const before = known;
    known = now;
    for (const uid of new Set([...before.keys(), ...now.keys()])) {
      if (before.get(uid) === now.get(uid)) continue;
      busyUntilMs = clock.now() + busyForMs;
      changed(uid);
    }
  }

  async function listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { containerId, containerEventType } of runtime.containerEvents(signal)) {
          log.trace({ containerId, containerEventType }, 'the runtime sent an event');
          wake?.();
        }
      } catch (error) {
        if (isKind(error, 'MethodNotAllowed')) return;
        log.debug({ err: messageOf(error) }, 'container events ended');
      }
      await pause(clock, eventRetryMs, signal);
    }
  }

  return {
    listed: listed.promise,
    uids: () => new Set(known.keys()),
    lastRelistMs: () => lastRelistMs,
    expectChange() {
      busyUntilMs = clock.now() + busyForMs;
      wake?.();
    },
    async run(signal, changed) {
      const listening = listen(signal);
      while (!signal.aborted) {
        try {
          await relist(changed);
        } catch (error) {
          log.warn({ err: messageOf(error) }, 'the runtime could not be listed');
        }
        const waitMs = clock.now() < busyUntilMs ? busyRelistMs : relistMs;
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const stop = new AbortController();
        await Promise.race([woken, pause(clock, waitMs, AbortSignal.any([signal, stop.signal]))]);
        stop.abort();
      }
      await listening;
    },
  };
}

import type { Clock } from '../../clock.ts';
import type { KumulusError } from '../../errors.ts';
import type { Revision } from '../port.ts';

/** Who waits for a revision to arrive, woken in no particular order. */
export class RevisionWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<{ revision: Revision; resolve(): void; reject(error: unknown): void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with `late()` after `timeoutMs`, and with the signal's reason when it aborts. */
  async wait(
    revision: Revision,
    timeoutMs: number,
    late: () => KumulusError,
    signal?: AbortSignal,
  ): Promise<void> {
    const settled = new AbortController();
    const deadline = signal ? AbortSignal.any([signal, settled.signal]) : settled.signal;
    const arrival = new Promise<void>((resolve, reject) => {
      const waiter = { revision, resolve, reject };
      this.#waiting.add(waiter);
      this.#clock.sleep(timeoutMs, deadline).then(
        () => reject(late()),
        (reason: unknown) => reject(reason),
      );
      deadline.addEventListener('abort', () => this.#waiting.delete(waiter), { once: true });
    });
    try {
      await arrival;
    } finally {
      settled.abort();
    }
  }

  reached(revision: Revision): void {
    for (const waiter of this.#waiting) {
      if (waiter.revision > revision) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  fail(error: unknown): void {
    for (const waiter of this.#waiting) waiter.reject(error);
    this.#waiting.clear();
  }
}

/**
 * Shares one run of `work` between calls that overlap. A call that comes while a run is under way waits for the
 * next one, as the answer of a run that began before the call may be older than the call.
 */
export function shareRuns(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    const run = work().finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  };
  return () => {
    if (!running) return start();
    next ??= running
      .catch(() => {
        // Whoever asked for that run has its error; this one tries anew.
      })
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

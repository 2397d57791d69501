import { isKind, KumulusError } from '../../../../lib/errors.ts';
import { type Clock, pause } from '../../../../lib/clock.ts';
import type { Logger } from '../../../../lib/log.ts';
import type { CachedObject, CacheWatch, WatchCache } from '../../../../lib/store/cache/index.ts';

export interface FollowerOptions {
  cache: WatchCache;
  clock: Clock;
  log: Logger;
  /** Ends it. */
  signal: AbortSignal;
}

/** Told every object, and `undefined` for one that is gone. Must not throw. */
type Apply = (key: string, object: CachedObject | undefined) => void;

const retryFirstMs = 50;
const retryMostMs = 5_000;
const catchUpMs = 5_000;
const eagerTurns = 20;

/** Keeps something derived from all objects of one type up to date, from the first time that somebody asks for it. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #resource: string;
  readonly #apply: Apply;
  #known = new Set<string>();
  #watch: CacheWatch | undefined;
  #isRunning = false;

  constructor(options: FollowerOptions, resource: string, apply: Apply) {
    this.#options = options;
    this.#resource = resource;
    this.#apply = apply;
  }

  get isFollowing(): boolean {
    return this.#watch !== undefined;
  }

  /** Resolves when everything acknowledged before the call has been applied. @throws KumulusError Timeout */
  async catchUp(): Promise<void> {
    const { cache, clock, signal } = this.#options;
    this.#begin();
    // No key is before this one: the answer is the revision alone.
    const { revision } = await cache.list(this.#resource, { prefix: '\0', freshness: 'consistent' });
    const deadlineMs = clock.now() + catchUpMs;
    for (let turn = 0; (this.#watch?.revision() ?? -1) < revision; turn++) {
      if (signal.aborted) throw new KumulusError('ServiceUnavailable', 'the API server is closing');
      if (clock.now() > deadlineMs) {
        throw new KumulusError('Timeout', `Timeout: ${this.#resource} could not be followed in time`);
      }
      // The cache has the revision already: what is missing is a few turns of the event loop, or a watch that broke.
      if (turn < eagerTurns) await new Promise((resolve) => setImmediate(resolve));
      else await pause(clock, retryFirstMs, signal);
    }
  }

  #begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Ends with the signal, and goes on after every error.
    void this.#run();
  }

  async #run(): Promise<void> {
    const { cache, clock, log, signal } = this.#options;
    let waitMs = retryFirstMs;
    while (!signal.aborted) {
      try {
        const watch = await cache.watch(this.#resource, { from: 'consistent', signal });
        for await (const batch of watch) {
          if (batch.initialEventsEnd) this.#forgetOthers(batch.events.map(({ key }) => key));
          for (const event of batch.events) {
            const isGone = event.type === 'DELETED';
            if (isGone) this.#known.delete(event.key);
            else this.#known.add(event.key);
            this.#apply(event.key, isGone ? undefined : event);
          }
          this.#watch = watch;
          waitMs = retryFirstMs;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isKind(error, 'Expired')) log.warn({ resource: this.#resource, err: error }, 'watch failed');
      }
      this.#watch = undefined;
      await pause(clock, waitMs, signal);
      waitMs = Math.min(waitMs * 2, retryMostMs);
    }
  }

  #forgetOthers(present: readonly string[]): void {
    const keep = new Set(present);
    for (const key of this.#known) if (!keep.has(key)) this.#apply(key, undefined);
    this.#known = new Set(keep);
  }
}

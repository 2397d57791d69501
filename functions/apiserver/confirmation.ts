import type { Clock } from '../../lib/clock.ts';
import { shareRuns } from '../../lib/store/cache/catch-up.ts';
import { storeOver } from '../../lib/store/delegate.ts';
import type { Store } from '../../lib/store/port.ts';

export interface ConfirmationOptions {
  /** The types that what is held is made of. */
  resources: readonly string[];
  /** How long what was compared with the store may be relied on. */
  maxAgeMs: number;
  clock: Clock;
  /** Compares what is held with the store, and takes in what is new. */
  look: () => Promise<void>;
}

/**
 * What a process holds of some types in a form of its own, kept as new as is promised: in the process that wrote one of
 * them, the write holds for everything that begins after it was acknowledged; in any other, nothing is done with what
 * was last compared with the store more than `maxAgeMs` ago. A process that slept (a warm Lambda) therefore looks first.
 */
export class Confirmation {
  readonly #options: ConfirmationOptions;
  readonly #resources: ReadonlySet<string>;
  /** When it was last known to be the store's; undefined: it has to be looked at again. */
  #confirmedAtMs: number | undefined;
  #writes = 0;

  /** Looks. Who asks while somebody looks already waits for a look that begins afterwards. @throws what the store throws */
  readonly refresh: () => Promise<void>;

  constructor(options: ConfirmationOptions) {
    this.#options = options;
    this.#resources = new Set(options.resources);
    this.refresh = shareRuns(() => this.#look());
  }

  /** False when it has to be looked at first: then `refresh`. */
  get isFresh(): boolean {
    if (this.#confirmedAtMs === undefined) return false;
    const ageMs = this.#options.clock.now() - this.#confirmedAtMs;
    return ageMs >= 0 && ageMs <= this.#options.maxAgeMs;
  }

  /** The store, with its writes to these types noticed. */
  observe(store: Store): Store {
    const commit: Store['commit'] = async (resource, mutations) => {
      if (!this.#resources.has(resource)) return store.commit(resource, mutations);
      try {
        return await store.commit(resource, mutations);
      } finally {
        // A commit that failed may have happened all the same.
        this.#writes++;
        this.#confirmedAtMs = undefined;
      }
    };
    return storeOver(store, { commit });
  }

  async #look(): Promise<void> {
    const startedAtMs = this.#options.clock.now();
    const writes = this.#writes;
    await this.#options.look();
    if (this.#writes === writes) this.#confirmedAtMs = startedAtMs;
  }
}

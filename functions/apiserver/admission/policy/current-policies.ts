/**
 * The admission policies of this process and what binds them, as new as is promised: in the process that wrote one it
 * holds for every request after the write was acknowledged; elsewhere it holds after `maxAgeMs` at the latest.
 */
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../lib/api/gen/types.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { shareRuns } from '../../../../lib/store/cache/catch-up.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Store } from '../../../../lib/store/port.ts';

const group = 'admissionregistration.k8s.io';
const maxAgeMs = 1000;

export interface Hook<P, B> {
  policy: P;
  /** At least one: a policy that nothing binds does nothing. */
  bindings: readonly B[];
}

export type ValidatingHook = Hook<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>;
export type MutatingHook = Hook<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>;

export interface Policies {
  validating: readonly ValidatingHook[];
  mutating: readonly MutatingHook[];
}

const types = {
  validating: `${group}/validatingadmissionpolicies`,
  validatingBindings: `${group}/validatingadmissionpolicybindings`,
  mutating: `${group}/mutatingadmissionpolicies`,
  mutatingBindings: `${group}/mutatingadmissionpolicybindings`,
};
const observed: ReadonlySet<string> = new Set(Object.values(types));

export class CurrentPolicies {
  readonly #cache: WatchCache;
  readonly #clock: Clock;
  readonly #refresh: () => Promise<void>;
  #policies: Policies = { validating: [], mutating: [] };
  #revisions = '';
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #writes = 0;

  constructor(cache: WatchCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
    this.#refresh = shareRuns(() => this.#look());
  }

  /** Undefined when they have to be looked at first: then `load`. */
  get fresh(): Policies | undefined {
    const ageMs = this.#clock.now() - this.#confirmedAtMs;
    return ageMs >= 0 && ageMs <= maxAgeMs ? this.#policies : undefined;
  }

  /** @throws what the store throws */
  async load(): Promise<Policies> {
    await this.#refresh();
    return this.#policies;
  }

  /** The store, with its writes to policies and bindings noticed. */
  observe(store: Store): Store {
    const commit: Store['commit'] = async (resource, mutations) => {
      if (!observed.has(resource)) return store.commit(resource, mutations);
      try {
        return await store.commit(resource, mutations);
      } finally {
        // A commit that failed may have happened all the same.
        this.#writes++;
        this.#confirmedAtMs = Number.NEGATIVE_INFINITY;
      }
    };
    return {
      commit,
      get: (resource, key) => store.get(resource, key),
      list: (resource, prefix, options) => store.list(resource, prefix, options),
      watch: (resource, from, options) => store.watch(resource, from, options),
      head: (resource) => store.head(resource),
      resources: () => store.resources(),
      close: () => store.close(),
    };
  }

  async #look(): Promise<void> {
    const startedAtMs = this.#clock.now();
    const writes = this.#writes;
    const [validating, validatingBindings, mutating, mutatingBindings] = await Promise.all(
      [types.validating, types.validatingBindings, types.mutating, types.mutatingBindings].map((type) =>
        this.#cache.list(type),
      ),
    );
    const revisions = [validating, validatingBindings, mutating, mutatingBindings]
      .map((page) => page?.revision)
      .join();
    if (revisions !== this.#revisions) {
      const objects = (page: typeof validating) => page?.items.map(({ object }) => object) ?? [];
      this.#policies = {
        validating: hooks(
          objects(validating) as unknown as ValidatingAdmissionPolicy[],
          objects(validatingBindings) as unknown as ValidatingAdmissionPolicyBinding[],
        ),
        mutating: hooks(
          objects(mutating) as unknown as MutatingAdmissionPolicy[],
          objects(mutatingBindings) as unknown as MutatingAdmissionPolicyBinding[],
        ),
      };
      this.#revisions = revisions;
    }
    if (this.#writes === writes) this.#confirmedAtMs = startedAtMs;
  }
}

function hooks<P extends { metadata: { name?: string } }, B extends { spec: { policyName?: string } }>(
  policies: readonly P[],
  bindings: readonly B[],
): Hook<P, B>[] {
  const byPolicy = Map.groupBy(bindings, ({ spec }) => spec.policyName ?? '');
  return policies.flatMap((policy) => {
    const bound = byPolicy.get(policy.metadata.name ?? '');
    return bound ? [{ policy, bindings: bound }] : [];
  });
}

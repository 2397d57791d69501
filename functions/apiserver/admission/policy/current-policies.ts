/** The admission policies of this process and what binds them, kept as new as `Confirmation` promises. */
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../../lib/api/gen/types.ts';
import type { Clock } from '../../../../lib/clock.ts';
import type { CachedPage, WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Store } from '../../../../lib/store/port.ts';
import { Confirmation } from '../../confirmation.ts';

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

export class CurrentPolicies {
  readonly #cache: WatchCache;
  readonly #confirmation: Confirmation;
  #policies: Policies = { validating: [], mutating: [] };
  #revisions = '';

  constructor(cache: WatchCache, clock: Clock) {
    this.#cache = cache;
    this.#confirmation = new Confirmation({
      resources: Object.values(types),
      maxAgeMs,
      clock,
      look: () => this.#look(),
    });
  }

  /** Undefined when they have to be looked at first: then `load`. */
  get fresh(): Policies | undefined {
    return this.#confirmation.isFresh ? this.#policies : undefined;
  }

  /** @throws what the store throws */
  async load(): Promise<Policies> {
    await this.#confirmation.refresh();
    return this.#policies;
  }

  /** The store, with its writes to policies and bindings noticed. */
  observe(store: Store): Store {
    return this.#confirmation.observe(store);
  }

  async #look(): Promise<void> {
    const [validating, validatingBindings, mutating, mutatingBindings] = await Promise.all([
      this.#cache.list(types.validating),
      this.#cache.list(types.validatingBindings),
      this.#cache.list(types.mutating),
      this.#cache.list(types.mutatingBindings),
    ]);
    const revisions = [validating, validatingBindings, mutating, mutatingBindings]
      .map(({ revision }) => revision)
      .join();
    if (revisions === this.#revisions) return;
    const objects = ({ items }: CachedPage) => items.map(({ object }) => object);
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

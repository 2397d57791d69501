/** The policy of this process, kept as new as `Confirmation` promises. */
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Clock } from '../../../../lib/clock.ts';
import type { CachedObject, WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Store } from '../../../../lib/store/port.ts';
import { Confirmation } from '../../confirmation.ts';
import { Policy } from './policy.ts';

const group = 'rbac.authorization.k8s.io';
const defaultMaxAgeMs = 1000;

/** One type of objects, as it was when last looked at. */
interface Source {
  resource: string;
  revision: number;
  known: Map<string, CachedObject>;
  apply: (policy: Policy, key: string, object: KubeObject | undefined) => void;
}

export class CurrentPolicy {
  readonly #cache: WatchCache;
  readonly #policy = new Policy();
  readonly #sources = sources();
  readonly #confirmation: Confirmation;

  constructor({
    cache,
    clock,
    maxAgeMs = defaultMaxAgeMs,
  }: { cache: WatchCache; clock: Clock; maxAgeMs?: number }) {
    this.#cache = cache;
    this.#confirmation = new Confirmation({
      resources: this.#sources.map(({ resource }) => resource),
      maxAgeMs,
      clock,
      look: async () => {
        await Promise.all(this.#sources.map((source) => this.#lookAt(source)));
      },
    });
  }

  /** Undefined when the policy has to be looked at first: then `load`. */
  get fresh(): Policy | undefined {
    return this.#confirmation.isFresh ? this.#policy : undefined;
  }

  /** The policy, holding at least everything acknowledged before the call. @throws what the store throws */
  async load(): Promise<Policy> {
    await this.#confirmation.refresh();
    return this.#policy;
  }

  /** The store, with its writes to roles and bindings noticed. */
  observe(store: Store): Store {
    return this.#confirmation.observe(store);
  }

  async #lookAt(source: Source): Promise<void> {
    const { items, revision } = await this.#cache.list(source.resource, { freshness: 'consistent' });
    if (revision === source.revision) return;
    const gone = new Set(source.known.keys());
    for (const item of items) {
      gone.delete(item.key);
      if (source.known.get(item.key)?.revision === item.revision) continue;
      source.apply(this.#policy, item.key, item.object);
      source.known.set(item.key, item);
    }
    for (const key of gone) {
      source.apply(this.#policy, key, undefined);
      source.known.delete(key);
    }
    source.revision = revision;
  }
}

function sources(): Source[] {
  const source = (plural: string, apply: Source['apply']): Source => ({
    resource: `${group}/${plural}`,
    revision: -1,
    known: new Map(),
    apply,
  });
  return [
    source('clusterroles', (policy, key, object) =>
      policy.setClusterRole(key, object as ClusterRole | undefined),
    ),
    source('roles', (policy, key, object) => policy.setRole(key, object as Role | undefined)),
    source('clusterrolebindings', (policy, key, object) =>
      policy.setClusterRoleBinding(key, object as ClusterRoleBinding | undefined),
    ),
    source('rolebindings', (policy, key, object) =>
      policy.setRoleBinding(key, object as RoleBinding | undefined),
    ),
  ];
}

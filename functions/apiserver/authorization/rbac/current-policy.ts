/**
 * The policy of this process, kept as new as is promised: in the process that wrote a role or a binding the write holds
 * for every decision that begins after it was acknowledged; in any other, no decision is made on a policy that was last
 * compared with the store more than `maxAgeMs` ago. A process that slept (a warm Lambda) therefore looks first.
 */
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Clock } from '../../../../lib/clock.ts';
import type { CachedObject, WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Store } from '../../../../lib/store/port.ts';
import { shareRuns } from '../../../../lib/store/cache/catch-up.ts';
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
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #policy = new Policy();
  readonly #sources: readonly Source[];
  readonly #refresh: () => Promise<void>;
  /** When the policy was last known to be the store's; undefined: it has to be looked at again. */
  #confirmedAtMs: number | undefined;
  #writes = 0;

  constructor(options: { cache: WatchCache; clock: Clock; maxAgeMs?: number }) {
    this.#cache = options.cache;
    this.#clock = options.clock;
    this.#maxAgeMs = options.maxAgeMs ?? defaultMaxAgeMs;
    this.#sources = sources();
    this.#refresh = shareRuns(() => this.#look());
  }

  /** Undefined when the policy has to be looked at first: then `load`. */
  get fresh(): Policy | undefined {
    const age = this.#confirmedAtMs === undefined ? Infinity : this.#clock.now() - this.#confirmedAtMs;
    return age >= 0 && age <= this.#maxAgeMs ? this.#policy : undefined;
  }

  /** The policy, holding at least everything acknowledged before the call. @throws what the store throws */
  async load(): Promise<Policy> {
    await this.#refresh();
    return this.#policy;
  }

  /** The store, with its writes to roles and bindings noticed. */
  observe(store: Store): Store {
    const resources = new Set(this.#sources.map(({ resource }) => resource));
    const commit: Store['commit'] = async (resource, mutations) => {
      if (!resources.has(resource)) return store.commit(resource, mutations);
      try {
        return await store.commit(resource, mutations);
      } finally {
        // A commit that failed may have happened all the same.
        this.#writes++;
        this.#confirmedAtMs = undefined;
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
    await Promise.all(this.#sources.map((source) => this.#lookAt(source)));
    if (this.#writes === writes) this.#confirmedAtMs = startedAtMs;
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

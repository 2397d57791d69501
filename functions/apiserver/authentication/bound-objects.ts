/** What service account tokens are bound to, as it is: accounts, pods, secrets and nodes. */
import type { Clock } from '../../../lib/clock.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import { storeOver } from '../../../lib/store/delegate.ts';
import type { Store } from '../../../lib/store/port.ts';
import type { NamedRef } from '../../../lib/tokens/index.ts';

/** As old as what RBAC decides on may be. */
const maxAgeMs = 1000;
const maxRemembered = 4096;
/** What is being deleted is taken for gone this long after its time (upstream's leeway for clocks). */
const deletionLeewayMs = 60_000;

type BoundResource = 'serviceaccounts' | 'pods' | 'secrets' | 'nodes';
const resources: ReadonlySet<string> = new Set<BoundResource>([
  'serviceaccounts',
  'pods',
  'secrets',
  'nodes',
]);

interface Found {
  uid: string;
  /** When it is to be gone, if it is being deleted. */
  endsAtMs: number | undefined;
}

/** A look at the store. */
interface Asked {
  askedAtMs: number;
  found: Promise<Found | undefined>;
  /** What came of it, once it is there. */
  known: Found | undefined;
}

export interface BoundObjects {
  /** Whether it is there under that uid, and neither gone nor past the time at which it was to go. */
  lives(resource: BoundResource, key: string, ref: NamedRef): Promise<boolean>;
  /** The store, with its writes to these types noticed. */
  observe(store: Store): Store;
}

/**
 * What was found is believed for a second, so that a client's every request is not a look at the store: a write of this
 * process holds for every request that begins after its answer, one of another process a second later. What is not found
 * as it should be is looked for anew, so that a new pod of an old name is known at once.
 */
export function createBoundObjects({ cache, clock }: { cache: WatchCache; clock: Clock }): BoundObjects {
  const remembered = new Map<string, Asked>();

  const look = async (resource: BoundResource, key: string): Promise<Found | undefined> => {
    const entry = await cache.get(resource, key);
    if (!entry) return undefined;
    const { uid, deletionTimestamp } = entry.object.metadata;
    return { uid, endsAtMs: deletionTimestamp ? Date.parse(deletionTimestamp) : undefined };
  };
  const ask = (resource: BoundResource, key: string): Promise<Found | undefined> => {
    const id = idOf(resource, key);
    const found = look(resource, key);
    if (remembered.size >= maxRemembered) remembered.clear();
    const entry: Asked = { askedAtMs: clock.now(), found, known: undefined };
    remembered.set(id, entry);
    const forget = () => remembered.get(id) === entry && remembered.delete(id);
    // An absence is not remembered, nor is an error, which whoever asked is told.
    found.then((object) => (object ? (entry.known = object) : forget()), forget);
    return found;
  };
  const isGood = (found: Found | undefined, uid: string): boolean =>
    found?.uid === uid && (found.endsAtMs === undefined || found.endsAtMs >= clock.now() - deletionLeewayMs);

  return {
    async lives(resource, key, { uid }) {
      const asked = remembered.get(idOf(resource, key));
      const ageMs = asked ? clock.now() - asked.askedAtMs : -1;
      if (asked && ageMs >= 0 && ageMs <= maxAgeMs && isGood(asked.known ?? (await asked.found), uid))
        return true;
      return isGood(await ask(resource, key), uid);
    },
    observe(store) {
      const commit: Store['commit'] = async (resource, mutations) => {
        if (!resources.has(resource)) return store.commit(resource, mutations);
        try {
          return await store.commit(resource, mutations);
        } finally {
          // A commit that failed may have happened all the same. What is asked from here on is asked anew.
          for (const { key } of mutations) remembered.delete(idOf(resource, key));
        }
      };
      return storeOver(store, { commit });
    },
  };
}

function idOf(resource: string, key: string): string {
  return `${resource}\n${key}`;
}

/**
 * No write takes a namespace over its ResourceQuotas (API reference, "ResourceQuota"). What a write uses is added to
 * `status.used` under the condition that nobody changed the quota since it was read, before the write itself: however
 * many write at once, in however many processes, the sum of what was allowed never passes the limit.
 */
import type { ResourceQuota } from '../../../../lib/api/gen/types.ts';
import { evaluatorFor, maxPending } from '../../../../lib/api/quota/index.ts';
import { serverTimeout, tooManyRequests } from '../../../../lib/api/status.ts';
import { encodeStored } from '../../../../lib/api/stored.ts';
import type { Clock } from '../../../../lib/clock.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { type Mutation, type Store, StoreConflict } from '../../../../lib/store/port.ts';
import type { AdmissionPlugin } from '../../pipeline/admission.ts';
import type { LimitedResource } from './limited.ts';
import { type Charge, chargeQuotas, entriesOf, sealed, withoutCharge } from './charge.ts';

const storage = 'resourcequotas';
/** Other processes may write the same quotas; each time at least one of them gets on. */
const maxAttempts = 64;
/** Writes that are charged with one commit. */
const maxBatch = 200;

interface Waiting {
  charge: Charge;
  resolve: () => void;
  reject: (error: unknown) => void;
}

interface Backend {
  store: Store;
  cache: WatchCache;
  clock: Clock;
  limited: readonly LimitedResource[];
}

/** @param limited what may be used only where a quota speaks of it */
export function resourceQuota(
  parts: Omit<Backend, 'limited'>,
  limited: readonly LimitedResource[] = [],
): AdmissionPlugin {
  const backend = { ...parts, limited };
  const { cache } = backend;
  const waiting = new Map<string, Waiting[]>();

  /** Writes to one namespace are charged together while others are being charged: one commit at a time and process. */
  async function work(namespace: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch);
      try {
        await chargeBatch(backend, namespace, batch);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    waiting.delete(namespace);
  }

  return {
    name: 'ResourceQuota',

    async validate(attributes) {
      const { entry, namespace, operation, subresource, object, oldObject } = attributes;
      if (!entry.definition.namespaced || !object) return;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      const evaluator = evaluatorFor(entry.groupResource);
      if (!evaluator?.handles({ operation, subresource, object, old: oldObject })) return;
      if (limited.length === 0) {
        const page = await cache.list(storage, { prefix: `${namespace}/`, limit: 1 });
        if (page.items.length === 0) return;
      }
      const { uid } = object.metadata;
      await new Promise<void>((resolve, reject) => {
        const one: Waiting = { charge: { attributes, evaluator, object }, resolve, reject };
        const queue = waiting.get(namespace);
        if (queue) queue.push(one);
        else {
          const started = [one];
          waiting.set(namespace, started);
          void work(namespace, started);
        }
      });
      if (operation === 'CREATE' && uid) {
        attributes.withdrawals.push(() => withdraw(backend, namespace, uid));
      }
    },
  };
}

async function chargeBatch(
  { store, cache, clock, limited }: Backend,
  namespace: string,
  batch: readonly Waiting[],
): Promise<void> {
  let open = [...batch];
  for (let attempt = 0; open.length > 0; attempt++) {
    if (attempt >= maxAttempts) {
      const { entry } = (open[0] as Waiting).charge.attributes;
      throw serverTimeout(entry.groupResource, 'create', 1);
    }
    const page = await cache.list(storage, { prefix: `${namespace}/` });
    const before = page.items.map(({ object }) => object as unknown as ResourceQuota);
    const { quotas, charged, rest } = evaluate(before, open, clock.now(), limited);
    for (const one of rest) one.settle();
    open = charged;
    const mutations = page.items.flatMap(({ key, revision }, index): Mutation[] => {
      const quota = quotas[index];
      if (!quota || quota === before[index]) return [];
      return [{ op: 'replace', key, body: encodeStored(sealed(quota)), expected: revision }];
    });
    if (mutations.length === 0) break;
    try {
      await store.commit(storage, mutations);
      break;
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
    if (attempt > 2) await clock.sleep(Math.random() * Math.min(50, attempt));
  }
  for (const one of open) one.resolve();
}

/** One write after the other on running quotas: who fits is charged, who does not is told. */
function evaluate(
  before: readonly ResourceQuota[],
  open: readonly Waiting[],
  nowMs: number,
  limited: readonly LimitedResource[],
) {
  let quotas = [...before];
  const charged: Waiting[] = [];
  const rest: { settle: () => void }[] = [];
  for (const one of open) {
    try {
      const changed = chargeQuotas(quotas, one.charge, nowMs, limited);
      if (changed.size === 0 || one.charge.attributes.dryRun) rest.push({ settle: one.resolve });
      else {
        refuseCrowd(changed.keys());
        quotas = quotas.map((quota) => changed.get(quota) ?? quota);
        charged.push(one);
      }
    } catch (error) {
      rest.push({ settle: () => one.reject(error) });
    }
  }
  return { quotas, charged, rest };
}

/** Gives back what was charged for an object that was not made. What cannot be given back now, the recount gives back. */
async function withdraw({ store, cache, clock }: Backend, namespace: string, uid: string): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const { items } = await cache.list(storage, { prefix: `${namespace}/` });
    const mutations = items.flatMap(({ key, revision, object }): Mutation[] => {
      const quota = withoutCharge(object as unknown as ResourceQuota, uid);
      return quota ? [{ op: 'replace', key, body: encodeStored(quota), expected: revision }] : [];
    });
    if (mutations.length === 0) return;
    try {
      await store.commit(storage, mutations);
      return;
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
    if (attempt > 2) await clock.sleep(Math.random() * Math.min(50, attempt));
  }
}

/** The recount takes entries away within moments; where it does not, writes wait for it. */
function refuseCrowd(quotas: Iterable<ResourceQuota>): void {
  for (const quota of quotas) {
    if (entriesOf(quota).length < maxPending) continue;
    const name = quota.metadata.name ?? '';
    throw tooManyRequests(`quota ${name} has too many writes under way, please try again`, 1);
  }
}

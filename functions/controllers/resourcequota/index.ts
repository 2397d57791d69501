import { keyOf, type KubeObject } from '../../../lib/api/object.ts';
import {
  type Evaluator,
  evaluatorFor,
  pendingMs,
  pendingOf,
  sameAmounts,
  withPending,
} from '../../../lib/api/quota/index.ts';
import { qualified } from '../../../lib/api/status.ts';
import type { Informer, ObjectChange } from '../../../lib/client/lister.ts';
import type { DiscoveredResource } from '../../../lib/client/port.ts';
import { resourceQuotas } from '../../../lib/client/resources.ts';
import type { Clock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, requeueAfter, type Result } from '../controller.ts';
import { type Counted, recount } from './recount.ts';

/** Counts what each ResourceQuota's objects use, which admission only ever adds to. */
export const resourceQuotaController: ControllerEntry = {
  name: 'resourcequota',
  component: 'resourcequota-controller',
  create,
};

interface Tracked {
  resource: string;
  evaluator: Evaluator;
  type: DiscoveredResource;
  informer: Informer<KubeObject>;
}

/** A quota may count types that came after the start: they are listed, and looked at again so often. */
const unwatchedMs = 30_000;
const maxSeen = 10_000;
const conflictMs = 20;
/** A recount looks at everything that the quota counts: where much is written, one serves many writes. */
const betweenMs = 200;

async function create({ client, clock, informer, lister, log }: ControllerContext): Promise<Controller> {
  const quotas = lister(resourceQuotas);
  const seen = rememberSeen(clock);
  const countedAt = new Map<string, number>();
  const { resources, failures } = await client.discover();
  if (failures.length > 0) log.warn({ failures }, 'not every type could be discovered');
  const tracked = resources.flatMap((type): Tracked[] => {
    const evaluator = quotable(type);
    const resource = qualified({ group: type.group, resource: type.plural });
    return evaluator ? [{ resource, evaluator, type, informer: informer(type) }] : [];
  });

  /** Everything that the quota counts, as of now. */
  async function count(namespace: string, names: readonly string[]): Promise<Counted[]> {
    const concerned = tracked.filter(({ evaluator }) => names.some(evaluator.isTracked));
    await Promise.all(concerned.map((one) => one.informer.catchUp()));
    return concerned.map(({ resource, evaluator, informer: view }) => ({
      resource,
      evaluator,
      objects: view.list(namespace),
    }));
  }

  async function countUnwatched(namespace: string, names: readonly string[]): Promise<Counted[]> {
    const unknown = names.filter((name) => !tracked.some(({ evaluator }) => evaluator.isTracked(name)));
    if (!unknown.some((name) => name.startsWith('count/'))) return [];
    const counted: Counted[] = [];
    for (const type of (await client.discover()).resources) {
      const evaluator = quotable(type);
      if (!evaluator || !unknown.some(evaluator.isTracked)) continue;
      const { items } = await client.list(type, { namespace });
      counted.push({
        resource: qualified({ group: type.group, resource: type.plural }),
        evaluator,
        objects: items,
      });
    }
    return counted;
  }

  async function reconcile(key: string): Promise<Result> {
    const quota = quotas.get(key);
    if (!quota || quota.metadata.deletionTimestamp) {
      countedAt.delete(key);
      return done;
    }
    const early = (countedAt.get(key) ?? 0) + betweenMs - clock.now();
    if (early > 0 && early <= betweenMs) return requeueAfter(early);
    countedAt.set(key, clock.now());
    const { hard = {} } = quota.spec;
    const namespace = quota.metadata.namespace ?? '';
    const names = Object.keys(hard);
    const unwatched = await countUnwatched(namespace, names);
    const counted = [...(await count(namespace, names)), ...unwatched];
    const { used, pending, nextMs } = recount(quota, counted, clock.now(), seen.has);
    const { status } = quota;
    const isCurrent =
      status?.hard !== undefined &&
      status.used !== undefined &&
      sameAmounts(status.hard, hard) &&
      sameAmounts(status.used, used) &&
      pendingOf(quota).length === pending.length;
    if (!isCurrent) {
      const { annotations: before, ...metadata } = quota.metadata;
      const annotations = withPending(before, pending);
      const next = { ...quota, metadata: { ...metadata, ...(annotations && { annotations }) } };
      try {
        await client.update(resourceQuotas, { ...next, status: { hard, used } }, { subresource: 'status' });
      } catch (error) {
        if (isKind(error, 'NotFound')) return done;
        // Somebody was charged meanwhile.
        if (isKind(error, 'Conflict')) return requeueAfter(conflictMs);
        throw error;
      }
    }
    const waits = [
      ...(unwatched.length > 0 ? [unwatchedMs] : []),
      ...(nextMs === undefined ? [] : [Math.max(0, nextMs - clock.now())]),
    ];
    return waits.length > 0 ? requeueAfter(Math.min(...waits)) : done;
  }

  /** The quotas of the namespace that count the type, if the change is one that they count. */
  function concerned(evaluator: Evaluator | undefined, { before, after }: ObjectChange): string[] {
    const object = after ?? before;
    const found = quotas
      .list(object?.metadata.namespace ?? '')
      .filter(({ spec }) => Object.keys(spec.hard ?? {}).some((name) => evaluator?.isTracked(name)));
    if (found.length === 0 || !evaluator) return [];
    if (!before && object?.metadata.uid) seen.add(object.metadata.uid);
    const isSame =
      before &&
      after &&
      sameAmounts(evaluator.usage(before, clock.now()), evaluator.usage(after, clock.now()));
    // A change that is charged to another scope of quota uses the same.
    return isSame && !isScoped(found) && !found.some((quota) => pendingOf(quota).length > 0)
      ? []
      : found.map(keyOf);
  }

  return {
    name: 'resourcequota',
    watches: [
      // Quotas count quotas, too.
      watchOf(resourceQuotas, (change) => [
        ...ownKey(change),
        ...(change.before && change.after ? [] : concerned(countOfQuotas, change)),
      ]),
      ...tracked
        .filter(({ resource }) => resource !== 'resourcequotas')
        .map(({ type, evaluator }) => watchOf(type, (change: ObjectChange) => concerned(evaluator, change))),
    ],
    reconcile,
  };
}

const countOfQuotas = quotable({ ...resourceQuotas, verbs: ['list', 'watch'] });

function isScoped(quotas: readonly { spec: { scopes?: string[]; scopeSelector?: object } }[]): boolean {
  return quotas.some(({ spec }) => (spec.scopes?.length ?? 0) > 0 || spec.scopeSelector !== undefined);
}

function quotable({ group, plural, namespaced, verbs }: DiscoveredResource): Evaluator | undefined {
  if (!namespaced || !verbs.includes('list') || !verbs.includes('watch')) return undefined;
  return evaluatorFor({ group, resource: plural });
}

/**
 * Objects that were made lately: one that is gone before the recount would otherwise be waited for until nobody can be
 * writing it any more. Forgetting is harmless, and a restart forgets all.
 */
function rememberSeen(clock: Clock) {
  const seen = new Map<string, number>();
  return {
    has: (uid: string) => seen.has(uid),
    add(uid: string): void {
      const now = clock.now();
      for (const [other, at] of seen) {
        if (seen.size < maxSeen && now - at < pendingMs) break;
        seen.delete(other);
      }
      seen.set(uid, now);
    },
  };
}

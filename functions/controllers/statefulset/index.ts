import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../../lib/api/gen/types.ts';
import { joinKey, keyOf, type Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import {
  controllerRevisions,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '../../../lib/client/resources.ts';
import { claimObjects } from '../common/claim.ts';
import { computeHash } from '../common/hash.ts';
import {
  deleteRevisions,
  newestRevision,
  readHistory,
  revisionData,
  surplusRevisions,
  templateOf,
} from '../common/history/index.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { candidatesFor, controllerIndex, controllersConcerned } from '../common/owners.ts';
import { nextAvailabilityMs } from '../common/pods.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { createEffects } from './effects.ts';
import { ordinalOf, podRevision } from './identity.ts';
import { planSet, sortPods } from './plan.ts';
import { statefulSetStatus } from './status.ts';

/** Names of pods add to a revision's name, and must not be too long either. */
const maxNameLength = 223;

/** Keeps pods that each have an identity of their own, and storage that goes with it. */
export const statefulSetController: ControllerEntry = {
  name: 'statefulset',
  component: 'statefulset-controller',
  create,
};

function create(context: ControllerContext): Controller {
  const { client, clock } = context;
  const sets = context.lister(statefulSets);
  const allPods = context.lister(pods, { indexers: controllerIndex });
  const revisions = context.lister(controllerRevisions, { indexers: controllerIndex });
  const claims = context.lister(persistentVolumeClaims);
  const carryOut = createEffects(context, claims);

  function wouldTake(pod: Pod): StatefulSet[] {
    return sets
      .list(pod.metadata.namespace)
      .filter((set) => ordinalOf(pod, set.metadata.name) !== undefined)
      .filter((set) => matchesLabels(selectorFromObject(set.spec.selector), pod.metadata.labels));
  }

  /** A claim that is gone lets a pod be made that waited for that. */
  function setsOfGoneClaim({ before, after }: ObjectChange<PersistentVolumeClaim>): string[] {
    if (!before || after) return [];
    const { namespace, name } = before.metadata;
    return sets
      .list(namespace)
      .filter(({ metadata, spec }) =>
        spec.volumeClaimTemplates?.some((template) =>
          name.startsWith(`${template.metadata.name ?? ''}-${metadata.name}-`),
        ),
      )
      .map(keyOf);
  }

  async function ownPods(set: Persisted<StatefulSet>): Promise<Persisted<Pod>[]> {
    const candidates = candidatesFor(allPods, set).filter(
      (pod) => ordinalOf(pod, set.metadata.name) !== undefined,
    );
    const selector = selectorFromObject(set.spec.selector);
    return claimObjects(
      { client, ownerResource: statefulSets, owner: set, resource: pods, selector },
      candidates,
    );
  }

  async function sync(set: Persisted<StatefulSet>): Promise<Result> {
    const selector = selectorFromObject(set.spec.selector);
    const history = await readHistory(client, revisions, statefulSets, set, selector);
    const its = await ownPods(set);
    const newest = await newestRevision(client, statefulSets, set, history, (collisionCount) => {
      const hash = computeHash(revisionData(set.spec.template), collisionCount ?? 0);
      const labels = { ...set.spec.template.metadata?.labels, 'controller.kubernetes.io/hash': hash };
      return { name: `${set.metadata.name.slice(0, maxNameLength)}-${hash}`, labels };
    });
    const update = newest.revision;
    const current = history.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const { namespace } = set.metadata;
    const world = {
      set,
      pods: its,
      current: { name: current.metadata.name, template: templateOf(current) ?? set.spec.template },
      update: { name: update.metadata.name, template: set.spec.template },
      claim: (name: string) => claims.get(joinKey(namespace, name)),
      nowMs: clock.now(),
    };
    const { updatesBegun, error } = await carryOut(set, planSet(world));
    const { replicas, condemned } = sortPods(world);
    const status = statefulSetStatus(set, {
      pods: [...replicas.map(({ pod }) => pod).filter((pod) => pod !== undefined), ...condemned],
      currentRevision: current.metadata.name,
      updateRevision: update.metadata.name,
      collisionCount: newest.collisionCount,
      updatesBegun,
      nowMs: world.nowMs,
    });
    await writeStatus(client, statefulSets, set, status);
    if (error) throw error;
    const live = new Set([current.metadata.name, update.metadata.name, ...its.map(podRevision)]);
    const isLive = ({ metadata }: { metadata: { name: string } }) => live.has(metadata.name);
    const limit = set.spec.revisionHistoryLimit ?? 10;
    await deleteRevisions(client, surplusRevisions(history, isLive, limit));
    const next = nextAvailabilityMs(its, set.spec.minReadySeconds ?? 0, clock.now());
    return next === undefined ? done : requeueAfter(next);
  }

  async function reconcile(key: string): Promise<Result> {
    const set = sets.get(key);
    if (!set) return done;
    try {
      return await sync(set);
    } catch (error) {
      // Nothing new can come to be in a namespace that goes away.
      if (isNamespaceTerminating(error)) return done;
      throw error;
    }
  }

  return {
    name: 'statefulset',
    watches: [
      watchOf(statefulSets, ownKey),
      watchOf(pods, (change) => controllersConcerned(change, statefulSets, wouldTake)),
      watchOf(persistentVolumeClaims, setsOfGoneClaim),
    ],
    reconcile,
  };
}

import type { DaemonSet, Node, Pod } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, selectorFromObject, selectsEverything } from '../../../lib/api/selectors/index.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { controllerRevisions, daemonSets, nodes, pods } from '../../../lib/client/resources.ts';
import { asError } from '../common/as-error.ts';
import { slowStartBatch } from '../common/batch.ts';
import { claimObjects } from '../common/claim.ts';
import { semanticEqual } from '../common/equal.ts';
import { computeHash } from '../common/hash.ts';
import {
  deleteRevisions,
  isRevisionOf,
  newestRevision,
  readHistory,
  revisionLabel,
} from '../common/history/index.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import {
  candidatesFor,
  controllerIndex,
  controllerReference,
  controllersConcerned,
} from '../common/owners.ts';
import { createPod, deletePod, podFromTemplate } from '../common/pod-control.ts';
import { nextAvailabilityMs } from '../common/pods.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { createFailureBackoff } from './backoff.ts';
import { placementOn, templateFor } from './placement.ts';
import { type Plan, planPlacement, planUpdate, spotsOf, type World } from './plan.ts';
import { daemonSetStatus } from './status.ts';

/** Upstream's BurstReplicas of this controller: no more pods are made or deleted in one reconcile. */
const burst = 250;

/** Keeps a pod on every node that its template fits. */
export const daemonSetController: ControllerEntry = {
  name: 'daemonset',
  component: 'daemonset-controller',
  create,
};

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const sets = context.lister(daemonSets);
  const allNodes = context.lister(nodes);
  const allPods = context.lister(pods, { indexers: controllerIndex });
  const revisions = context.lister(controllerRevisions, { indexers: controllerIndex });
  const failures = createFailureBackoff();

  function wouldTake(object: { metadata: Pod['metadata'] }): DaemonSet[] {
    if (!object.metadata.labels) return [];
    return sets
      .list(object.metadata.namespace)
      .filter((set) => matchesLabels(selectorFromObject(set.spec.selector), object.metadata.labels));
  }

  /** The sets for which the change makes the node another place. Most changes of nodes are only signs of life. */
  function setsOfNode({ before, after }: ObjectChange<Node>): string[] {
    if (before && after && before !== after && semanticEqual(place(before), place(after))) return [];
    return sets
      .list()
      .filter((set) => {
        if (before === after) return true;
        const was = before && placementOn(before, set);
        const is = after && placementOn(after, set);
        return !semanticEqual(was, is);
      })
      .map(keyOf);
  }

  async function ownPods(set: Persisted<DaemonSet>): Promise<Persisted<Pod>[]> {
    const selector = selectorFromObject(set.spec.selector);
    return claimObjects(
      { client, ownerResource: daemonSets, owner: set, resource: pods, selector },
      candidatesFor(allPods, set),
    );
  }

  /** What went wrong, or undefined. */
  async function carryOut(
    set: Persisted<DaemonSet>,
    hash: string,
    plan: Pick<Plan, 'create' | 'delete'>,
  ): Promise<Error | undefined> {
    const reference = controllerReference(daemonSets, set);
    const names = plan.create.slice(0, burst);
    const { error } = await slowStartBatch(names.length, async () => {
      const name = names.shift();
      if (name === undefined) return;
      await createPod(context, set, podFromTemplate(templateFor(set, hash, name), set, reference));
    });
    const victims = plan.delete.slice(0, burst);
    const results = await Promise.allSettled(victims.map((pod) => deletePod(context, set, pod)));
    const failed = results.find((result) => result.status === 'rejected');
    if (error !== undefined) return asError(error);
    return failed && asError(failed.reason);
  }

  async function sync(set: Persisted<DaemonSet>): Promise<Result> {
    const selector = selectorFromObject(set.spec.selector);
    const history = await readHistory(client, revisions, daemonSets, set, selector);
    const newest = await newestRevision(client, daemonSets, set, history, (collisionCount) => {
      const hash = computeHash(set.spec.template, collisionCount);
      const labels = { ...set.spec.template.metadata?.labels, [revisionLabel]: hash };
      return { name: `${set.metadata.name}-${hash}`, labels };
    });
    const hash = newest.revision.metadata.labels?.[revisionLabel] ?? newest.revision.metadata.name;
    const nowMs = clock.now();
    const its = await ownPods(set);
    const { uid, generation } = set.metadata;
    const world: World = {
      set,
      nodes: allNodes.list(),
      pods: its,
      hash,
      nowMs,
      failureWaitMs: (nodeName) => failures.next(`${uid}/${generation}/${nodeName}`, nowMs),
    };
    const spots = spotsOf(world);
    const plan = planPlacement(world, spots);
    for (const { type, reason, message } of plan.events) recorder.event(set, type, reason, message);
    const isPlaced = plan.create.length + plan.delete.length === 0;
    const failure = await carryOut(set, hash, isPlaced ? planUpdate(world, spots) : plan);
    const status = daemonSetStatus(set, spots, { hash, collisionCount: newest.collisionCount, nowMs });
    await writeStatus(client, daemonSets, set, status);
    if (failure) throw failure;
    await tidyHistory(set, history, its);
    return again(set, plan, its);
  }

  async function tidyHistory(
    set: Persisted<DaemonSet>,
    history: Awaited<ReturnType<typeof readHistory>>,
    its: readonly Pod[],
  ): Promise<void> {
    const hashes = new Set(its.map(({ metadata }) => metadata.labels?.[revisionLabel]));
    const past = history.filter((revision) => !isRevisionOf(revision, set.spec.template));
    const isLive = (revision: (typeof history)[number]) =>
      hashes.has(revision.metadata.labels?.[revisionLabel]);
    // Live ones count as kept.
    const surplus = Math.max(0, past.length - (set.spec.revisionHistoryLimit ?? 10));
    await deleteRevisions(client, past.filter((revision) => !isLive(revision)).slice(0, surplus));
  }

  function again(set: Persisted<DaemonSet>, plan: Plan, its: readonly Pod[]): Result {
    // A burst was cut short: those that came or went bring the key back, this makes sure of it.
    if (Math.max(plan.create.length, plan.delete.length) > burst) return requeueAfter(0);
    const waits = [plan.retryMs, nextAvailabilityMs(its, set.spec.minReadySeconds ?? 0, clock.now())];
    const next = Math.min(...waits.filter((wait) => wait !== undefined));
    return Number.isFinite(next) ? requeueAfter(next) : done;
  }

  async function reconcile(key: string): Promise<Result> {
    const set = sets.get(key);
    // What it owned may have gone before it: its status cannot be told any more.
    if (!set || set.metadata.deletionTimestamp) return done;
    if (selectsEverything(selectorFromObject(set.spec.selector))) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      recorder.event(set, 'Warning', 'SelectingAll', message);
      return done;
    }
    try {
      return await sync(set);
    } catch (error) {
      // Nothing new can come to be in a namespace that goes away.
      if (isNamespaceTerminating(error)) return done;
      throw error;
    }
  }

  return {
    name: 'daemonset',
    watches: [
      watchOf(daemonSets, ownKey),
      watchOf(pods, (change) => controllersConcerned(change, daemonSets, wouldTake)),
      watchOf(controllerRevisions, (change) => controllersConcerned(change, daemonSets, wouldTake)),
      watchOf(nodes, setsOfNode),
    ],
    reconcile,
  };
}

/** What placement looks at. */
function place({ metadata, spec }: Node): unknown {
  return { labels: metadata.labels, taints: spec?.taints };
}

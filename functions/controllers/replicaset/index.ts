import type { Pod, ReplicaSet } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, type Selector, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import { pods, replicaSets } from '../../../lib/client/resources.ts';
import { messageOf } from '../../../lib/errors.ts';
import { burstReplicas, slowStartBatch } from '../common/batch.ts';
import { claimObjects } from '../common/claim.ts';
import { semanticEqual } from '../common/equal.ts';
import {
  byController,
  controllerIndex,
  controllerOf,
  controllerReference,
  controllersConcerned,
  orphansOf,
} from '../common/owners.ts';
import { createPod, deletePod, podFromTemplate } from '../common/pod-control.ts';
import { isPodActive, isPodTerminating, nextAvailabilityMs } from '../common/pods.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { podsToDelete } from './ranking.ts';
import { replicaSetStatus } from './status.ts';

/** Keeps as many pods of a ReplicaSet as it asks for. */
export const replicaSetController: ControllerEntry = {
  name: 'replicaset',
  component: 'replicaset-controller',
  create,
};

function create(context: ControllerContext): Controller {
  const { client, clock, log } = context;
  const sets = context.lister(replicaSets, { indexers: controllerIndex });
  const allPods = context.lister(pods, { indexers: controllerIndex });

  function wouldTake(pod: Pod): ReplicaSet[] {
    if (!pod.metadata.labels) return [];
    return sets
      .list(pod.metadata.namespace)
      .filter((set) => matchesLabels(selectorFromObject(set.spec.selector), pod.metadata.labels));
  }

  /** The active pods of all ReplicaSets of the same Deployment: they do the same work. */
  function relatedPods(set: Persisted<ReplicaSet>): Pod[] {
    const uid = controllerOf(set)?.uid;
    const siblings = uid ? sets.byIndex(byController, uid) : [set];
    return siblings.flatMap((sibling) =>
      allPods.byIndex(byController, sibling.metadata.uid).filter(isPodActive),
    );
  }

  /** What went wrong, or undefined. */
  async function manage(
    set: Persisted<ReplicaSet>,
    active: readonly Persisted<Pod>[],
  ): Promise<Error | undefined> {
    const surplus = active.length - (set.spec.replicas ?? 1);
    const { template } = set.spec;
    if (surplus < 0 && template) {
      const reference = controllerReference(replicaSets, set);
      const { error } = await slowStartBatch(Math.min(-surplus, burstReplicas), () =>
        createPod(context, set, podFromTemplate(template, set, reference)),
      );
      return error === undefined ? undefined : asError(error);
    }
    if (surplus > 0) {
      const count = Math.min(surplus, burstReplicas);
      const victims = podsToDelete(active, relatedPods(set), count, clock.now());
      const results = await Promise.allSettled(victims.map((pod) => deletePod(context, set, pod)));
      const failed = results.find((result) => result.status === 'rejected');
      return failed && asError(failed.reason);
    }
    return undefined;
  }

  async function owned(set: Persisted<ReplicaSet>, selector: Selector) {
    const candidates = [
      ...allPods.byIndex(byController, set.metadata.uid),
      ...allPods.byIndex(byController, orphansOf(set.metadata.namespace)),
    ];
    const active = await claimObjects(
      { client, ownerResource: replicaSets, owner: set, resource: pods, selector },
      candidates.filter(isPodActive),
    );
    const terminating = candidates.filter(
      (pod) =>
        isPodTerminating(pod) &&
        controllerOf(pod)?.uid === set.metadata.uid &&
        matchesLabels(selector, pod.metadata.labels),
    );
    return { active, terminating };
  }

  async function reconcile(key: string): Promise<Result> {
    const set = sets.get(key);
    if (!set) return done;
    const its = await owned(set, selectorFromObject(set.spec.selector));
    const failure = set.metadata.deletionTimestamp ? undefined : await manage(set, its.active);
    const status = replicaSetStatus(set, its, failure, clock.now());
    if (!semanticEqual(status, set.status)) {
      await client.update(replicaSets, { ...set, status }, { subresource: 'status' });
    }
    if (failure !== undefined) throw failure;
    const surplus = its.active.length - (set.spec.replicas ?? 1);
    // A burst was cut short: those that came or went bring the key back, this makes sure of it.
    if (!set.metadata.deletionTimestamp && Math.abs(surplus) > burstReplicas) return requeueAfter(0);
    const next = nextAvailabilityMs(its.active, set.spec.minReadySeconds ?? 0, clock.now());
    log.trace({ key, active: its.active.length }, 'reconciled');
    return next === undefined ? done : requeueAfter(next);
  }

  return {
    name: 'replicaset',
    watches: [
      watchOf(replicaSets, ownKey),
      watchOf(pods, (change) => controllersConcerned(change, replicaSets, wouldTake)),
    ],
    reconcile,
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

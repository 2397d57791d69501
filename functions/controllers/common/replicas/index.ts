import type { Pod } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { matchesLabels, type Selector } from '../../../../lib/api/selectors/index.ts';
import type { Resource } from '../../../../lib/client/port.ts';
import { pods } from '../../../../lib/client/resources.ts';
import type { ControllerContext } from '../../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../../controller.ts';
import { asError } from '../as-error.ts';
import { burstReplicas, slowStartBatch } from '../batch.ts';
import { claimObjects } from '../claim.ts';
import { isNamespaceTerminating } from '../namespace-terminating.ts';
import {
  byController,
  candidatesFor,
  controllerIndex,
  controllerOf,
  controllerReference,
  controllersConcerned,
} from '../owners.ts';
import { createPod, deletePod, podFromTemplate } from '../pod-control.ts';
import { isPodActive, isPodTerminating, nextAvailabilityMs } from '../pods.ts';
import { ownKey, watchOf } from '../watch.ts';
import { writeStatus } from '../write-status.ts';
import { podsToDelete } from './ranking.ts';
import { type ReplicaOwner, replicaStatus } from './status.ts';

export interface ReplicaKind<T extends ReplicaOwner> {
  /** The controller's. */
  name: string;
  resource: Resource<T>;
  selectorOf(owner: T): Selector;
  /** What its status says beyond what all say. */
  moreStatus?(terminating: readonly Pod[]): Partial<NonNullable<T['status']>>;
}

/** Keeps as many pods of a template as its owner asks for, whatever kind it is of. */
export function replicaController<T extends ReplicaOwner>(
  context: ControllerContext,
  { name, resource, selectorOf, moreStatus }: ReplicaKind<T>,
): Controller {
  const { client, clock, log } = context;
  const owners = context.lister(resource, { indexers: controllerIndex });
  const allPods = context.lister(pods, { indexers: controllerIndex });

  function wouldTake(pod: Pod): T[] {
    if (!pod.metadata.labels) return [];
    return owners
      .list(pod.metadata.namespace)
      .filter((owner) => matchesLabels(selectorOf(owner), pod.metadata.labels));
  }

  /** The active pods of all that have the same owner themselves (a Deployment): they do the same work. */
  function relatedPods(owner: Persisted<T>): Pod[] {
    const uid = controllerOf(owner)?.uid;
    const siblings = uid ? owners.byIndex(byController, uid) : [owner];
    return siblings.flatMap((sibling) =>
      allPods.byIndex(byController, sibling.metadata.uid).filter(isPodActive),
    );
  }

  /** What went wrong, or undefined. */
  async function manage(owner: Persisted<T>, active: readonly Persisted<Pod>[]): Promise<Error | undefined> {
    const surplus = active.length - (owner.spec.replicas ?? 1);
    const { template } = owner.spec;
    if (surplus < 0 && template) {
      const reference = controllerReference(resource, owner);
      const { error } = await slowStartBatch(Math.min(-surplus, burstReplicas), () =>
        createPod(context, owner, podFromTemplate(template, owner, reference)),
      );
      return error === undefined ? undefined : asError(error);
    }
    if (surplus > 0) {
      const count = Math.min(surplus, burstReplicas);
      const victims = podsToDelete(active, relatedPods(owner), count, clock.now());
      const results = await Promise.allSettled(victims.map((pod) => deletePod(context, owner, pod)));
      const failed = results.find((result) => result.status === 'rejected');
      return failed && asError(failed.reason);
    }
    return undefined;
  }

  async function owned(owner: Persisted<T>, selector: Selector) {
    const candidates = candidatesFor(allPods, owner);
    const active = await claimObjects(
      { client, ownerResource: resource, owner, resource: pods, selector },
      candidates.filter(isPodActive),
    );
    const terminating = candidates.filter(
      (pod) =>
        isPodTerminating(pod) &&
        controllerOf(pod)?.uid === owner.metadata.uid &&
        matchesLabels(selector, pod.metadata.labels),
    );
    return { active, terminating };
  }

  async function reconcile(key: string): Promise<Result> {
    const owner = owners.get(key);
    if (!owner) return done;
    const { active, terminating } = await owned(owner, selectorOf(owner));
    const error = owner.metadata.deletionTimestamp ? undefined : await manage(owner, active);
    // Nothing new can come to be in a namespace that goes away, and soon its owner will not be either.
    const isLeaving = isNamespaceTerminating(error);
    const failure = isLeaving ? undefined : error;
    const status = { ...replicaStatus(owner, active, failure, clock.now()), ...moreStatus?.(terminating) };
    await writeStatus(client, resource, owner, status);
    if (failure !== undefined) throw failure;
    if (isLeaving) return done;
    const surplus = active.length - (owner.spec.replicas ?? 1);
    // A burst was cut short: those that came or went bring the key back, this makes sure of it.
    if (!owner.metadata.deletionTimestamp && Math.abs(surplus) > burstReplicas) return requeueAfter(0);
    const next = nextAvailabilityMs(active, owner.spec.minReadySeconds ?? 0, clock.now());
    log.trace({ key, active: active.length }, 'reconciled');
    return next === undefined ? done : requeueAfter(next);
  }

  return {
    name,
    watches: [
      watchOf(resource, ownKey),
      watchOf(pods, (change) => controllersConcerned(change, resource, wouldTake)),
    ],
    reconcile,
  };
}

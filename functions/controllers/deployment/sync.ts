import type { Deployment, DeploymentCondition, DeploymentStatus, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { deployments, replicaSets } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { sameMap, semanticEqual } from '../common/equal.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { controllerOf } from '../common/owners.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext } from '../context.ts';
import { conditionOf, progressing, withCondition } from './conditions.ts';
import {
  buildSet,
  findNewSet,
  refreshedSet,
  resizedSet,
  type Set,
  sameTemplate,
  surplusHistory,
} from './replica-sets.ts';
import { maxRevision, revisionAnnotation } from './revision.ts';
import { countStatus, hasProgressDeadline, progressCheckMs, rolloutStatus } from './status.ts';
import { setReplicas } from './strategy.ts';

/** One reconcile of one Deployment: what was read, and the steps that write. Every write updates what is held here. */
export interface Sync {
  deployment: Persisted<Deployment>;
  newSet: Set | undefined;
  old: Set[];
  /** The pods of all its ReplicaSets, whatever their phase. */
  pods: readonly Persisted<Pod>[];
}

export type DeploymentSteps = ReturnType<typeof createSteps>;

/** The steps that rolling out, recreating and scaling share. */
export function createSteps({ client, clock, recorder, log }: ControllerContext) {
  async function setStatus(sync: Sync, status: DeploymentStatus): Promise<void> {
    sync.deployment = await writeStatus(client, deployments, sync.deployment, status);
  }

  async function note(sync: Sync, condition: DeploymentCondition): Promise<void> {
    const { status } = sync.deployment;
    await setStatus(sync, { ...status, conditions: withCondition(status?.conditions ?? [], condition) });
  }

  /**
   * Puts the newest revision on the Deployment, which `kubectl rollout` compares against, and a condition beside it.
   * An update of the status carries annotations too, so that both are one write.
   */
  async function writeRevision(
    sync: Sync,
    revision: string | undefined,
    condition?: DeploymentCondition,
  ): Promise<void> {
    const { metadata, status } = sync.deployment;
    const annotations = { ...metadata.annotations, ...(revision && { [revisionAnnotation]: revision }) };
    const conditions = condition ? withCondition(status?.conditions ?? [], condition) : status?.conditions;
    if (sameMap(annotations, metadata.annotations) && semanticEqual(conditions, status?.conditions)) return;
    const updated = {
      ...sync.deployment,
      metadata: { ...metadata, annotations },
      status: { ...status, conditions },
    };
    sync.deployment = await client.update(deployments, updated, { subresource: 'status' });
  }

  /**
   * Finds the set of the Deployment's template, gives it the newest revision, and copies that to the Deployment.
   * With `create` a set that is missing is made.
   */
  async function syncRevision(sync: Sync, create: boolean): Promise<void> {
    const revision = maxRevision(sync.old) + 1n;
    if (sync.newSet) {
      const refreshed = refreshedSet(sync.deployment, sync.newSet, revision);
      if (refreshed) sync.newSet = await client.update(replicaSets, refreshed);
      const isNoted = Boolean(conditionOf(sync.deployment.status, 'Progressing'));
      const message = `Found new replica set "${sync.newSet.metadata.name}"`;
      await writeRevision(
        sync,
        sync.newSet.metadata.annotations?.[revisionAnnotation],
        hasProgressDeadline(sync.deployment) && !isNoted
          ? progressing('True', 'FoundNewReplicaSet', message, clock.now())
          : undefined,
      );
    } else if (create) {
      await createNewSet(sync, revision);
    }
  }

  async function createNewSet(sync: Sync, revision: bigint): Promise<void> {
    const set = buildSet(sync.deployment, sync.old, revision);
    const name = set.metadata.name ?? '';
    let existed = false;
    try {
      sync.newSet = await client.create(replicaSets, set);
    } catch (error) {
      if (isNamespaceTerminating(error)) throw error;
      if (!isKind(error, 'AlreadyExists')) {
        await noteCreateFailure(sync, name, error);
        throw error;
      }
      sync.newSet = await existingSet(sync, name, error);
      existed = true;
    }
    if (!existed && setReplicas(sync.newSet) > 0) {
      event(sync, 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${setReplicas(sync.newSet)}`);
    }
    await writeRevision(
      sync,
      sync.newSet.metadata.annotations?.[revisionAnnotation],
      !existed && hasProgressDeadline(sync.deployment)
        ? progressing('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`, clock.now())
        : undefined,
    );
  }

  /** The set that has the name already: ours from before a crash, or another template's with the same hash. */
  async function existingSet(sync: Sync, name: string, error: Error): Promise<Set> {
    const { namespace, uid } = sync.deployment.metadata;
    const found = await client.get(replicaSets, { namespace, name });
    if (
      controllerOf(found)?.uid === uid &&
      sameTemplate(found.spec.template, sync.deployment.spec.template)
    ) {
      return found;
    }
    const collisionCount = (sync.deployment.status?.collisionCount ?? 0) + 1;
    await setStatus(sync, { ...sync.deployment.status, collisionCount });
    log.info({ namespace, replicaSet: name, collisionCount }, 'the name is taken by another template');
    throw error;
  }

  async function noteCreateFailure(sync: Sync, name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
    if (hasProgressDeadline(sync.deployment)) {
      await note(sync, progressing('False', 'ReplicaSetCreateError', message, clock.now()));
    }
    recorder.event(sync.deployment, 'Warning', 'ReplicaSetCreateError', message);
  }

  function event(sync: Sync, reason: string, message: string): void {
    recorder.event(sync.deployment, 'Normal', reason, message);
  }

  /** Resolves with whether the set's size changed. */
  async function scale(sync: Sync, set: Set, replicas: number): Promise<boolean> {
    const resized = resizedSet(sync.deployment, set, replicas);
    if (!resized) return false;
    const updated = await client.update(replicaSets, resized);
    if (sync.newSet === set) sync.newSet = updated;
    else sync.old = sync.old.map((other) => (other === set ? updated : other));
    const before = setReplicas(set);
    if (before === replicas) return false;
    const direction = replicas > before ? 'up' : 'down';
    const { name } = set.metadata;
    event(sync, 'ScalingReplicaSet', `Scaled ${direction} replica set ${name} from ${before} to ${replicas}`);
    return true;
  }

  async function cleanUp(sync: Sync): Promise<void> {
    const surplus = surplusHistory(sync.deployment, sync.old);
    for (const { metadata } of surplus) {
      const { namespace, name, uid } = metadata;
      try {
        await client.delete(replicaSets, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isKind(error, 'NotFound')) throw error;
      }
    }
  }

  /** Resolves with when the progress deadline is to be looked at again. */
  async function writeRolloutStatus(sync: Sync): Promise<number | undefined> {
    const status = rolloutStatus(sync.deployment, allSets(sync), sync.newSet, clock.now());
    await setStatus(sync, status);
    return progressCheckMs(sync.deployment, status, clock.now());
  }

  async function writeCounts(sync: Sync): Promise<void> {
    await setStatus(sync, countStatus(sync.deployment, allSets(sync), sync.newSet, clock.now()));
  }

  return { note, syncRevision, scale, cleanUp, writeRolloutStatus, writeCounts, setStatus };
}

export function allSets({ newSet, old }: Sync): Set[] {
  return newSet ? [...old, newSet] : old;
}

export function activeSets(sets: readonly Set[]): Set[] {
  return sets.filter((set) => setReplicas(set) > 0);
}

export function createSync(
  deployment: Persisted<Deployment>,
  sets: readonly Set[],
  pods: readonly Persisted<Pod>[],
): Sync {
  const newSet = findNewSet(deployment, sets);
  return { deployment, newSet, old: sets.filter((set) => set !== newSet), pods };
}

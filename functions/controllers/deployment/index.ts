import type { Deployment, Pod, ReplicaSet } from '../../../lib/api/gen/types.ts';
import { joinKey, type Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, selectorFromObject, selectsEverything } from '../../../lib/api/selectors/index.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { deployments, pods, replicaSets } from '../../../lib/client/resources.ts';
import { claimObjects } from '../common/claim.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import {
  byController,
  controllerIndex,
  controllerOf,
  controllersConcerned,
  orphansOf,
} from '../common/owners.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { conditionOf, progressing } from './conditions.ts';
import { recreate } from './recreate.ts';
import { wasScaled } from './revision.ts';
import { rollingUpdate } from './rolling.ts';
import { scaleAll } from './scale.ts';
import { hasProgressDeadline } from './status.ts';
import { activeSets, allSets, createSteps, createSync, type Sync } from './sync.ts';

/** Rolls pods of a template out through ReplicaSets. */
export const deploymentController: ControllerEntry = {
  name: 'deployment',
  component: 'deployment-controller',
  create,
};

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const all = context.lister(deployments);
  const sets = context.lister(replicaSets, { indexers: controllerIndex });
  const allPods = context.lister(pods, { indexers: controllerIndex });
  const steps = createSteps(context);

  function wouldTake(set: ReplicaSet): Deployment[] {
    if (!set.metadata.labels) return [];
    return all
      .list(set.metadata.namespace)
      .filter((deployment) =>
        matchesLabels(selectorFromObject(deployment.spec.selector), set.metadata.labels),
      );
  }

  /** Recreate waits for pods to be gone: nothing else tells of the last one. */
  function deploymentOfGonePod({ before, after }: ObjectChange<Pod>): string[] {
    if (!before || (after && after.status?.phase === before.status?.phase)) return [];
    const reference = controllerOf(before);
    if (reference?.kind !== 'ReplicaSet') return [];
    const set = sets.get(joinKey(before.metadata.namespace, reference.name));
    const owner = set && controllerOf(set);
    if (owner?.kind !== 'Deployment') return [];
    const key = joinKey(before.metadata.namespace, owner.name);
    return all.get(key)?.spec.strategy?.type === 'Recreate' ? [key] : [];
  }

  async function read(deployment: Persisted<Deployment>): Promise<Sync> {
    const selector = selectorFromObject(deployment.spec.selector);
    const owned = await claimObjects(
      { client, ownerResource: deployments, owner: deployment, resource: replicaSets, selector },
      [
        ...sets.byIndex(byController, deployment.metadata.uid),
        ...sets.byIndex(byController, orphansOf(deployment.metadata.namespace)),
      ],
    );
    const their = owned.flatMap((set) => allPods.byIndex(byController, set.metadata.uid));
    return createSync(deployment, owned, their);
  }

  /** While paused the deadline stands still; the condition says so, and says when it goes on. */
  async function notePause(sync: Sync): Promise<void> {
    const { spec, status } = sync.deployment;
    if (!hasProgressDeadline(sync.deployment)) return;
    const reason = conditionOf(status, 'Progressing')?.reason;
    if (reason === 'ProgressDeadlineExceeded') return;
    const wasPaused = reason === 'DeploymentPaused';
    if (spec.paused && !wasPaused) {
      await steps.note(sync, progressing('Unknown', 'DeploymentPaused', 'Deployment is paused', clock.now()));
    } else if (!spec.paused && wasPaused) {
      await steps.note(
        sync,
        progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed', clock.now()),
      );
    }
  }

  async function step(sync: Sync): Promise<number | undefined> {
    if (sync.deployment.metadata.deletionTimestamp) {
      await steps.syncRevision(sync, false);
      await steps.writeCounts(sync);
      return undefined;
    }
    await notePause(sync);
    if (sync.deployment.spec.paused || wasScaled(sync.deployment, activeSets(allSets(sync)))) {
      await scaleAll(steps, sync);
      return undefined;
    }
    return sync.deployment.spec.strategy?.type === 'Recreate'
      ? recreate(steps, sync)
      : rollingUpdate(steps, sync);
  }

  async function reconcile(key: string): Promise<Result> {
    const deployment = all.get(key);
    if (!deployment) return done;
    if (selectsEverything(selectorFromObject(deployment.spec.selector))) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      recorder.event(deployment, 'Warning', 'SelectingAll', message);
      const status = { ...deployment.status, observedGeneration: deployment.metadata.generation };
      await steps.setStatus(createSync(deployment, [], []), status);
      return done;
    }
    try {
      const nextMs = await step(await read(deployment));
      return nextMs === undefined ? done : requeueAfter(nextMs);
    } catch (error) {
      // Nothing new can come to be in a namespace that goes away.
      if (isNamespaceTerminating(error)) return done;
      throw error;
    }
  }

  return {
    name: 'deployment',
    watches: [
      watchOf(deployments, ownKey),
      watchOf(replicaSets, (change) => controllersConcerned(change, deployments, wouldTake)),
      watchOf(pods, deploymentOfGonePod),
    ],
    reconcile,
  };
}

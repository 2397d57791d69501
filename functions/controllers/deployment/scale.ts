import { proportionalSizes } from './proportion.ts';
import { byAge, type Set } from './replica-sets.ts';
import { desiredReplicasAnnotation, numberIn } from './revision.ts';
import { desiredReplicas, isRollingUpdate, setReplicas } from './strategy.ts';
import { activeSets, allSets, type DeploymentSteps, type Sync } from './sync.ts';

/** Brings the sets to the Deployment's size without rolling anything out: it was scaled, or it is paused. */
export async function scaleAll(steps: DeploymentSteps, sync: Sync): Promise<void> {
  await steps.syncRevision(sync, false);
  await resize(steps, sync);
  if (sync.deployment.spec.paused) await steps.cleanUp(sync);
  await steps.writeCounts(sync);
}

async function resize(steps: DeploymentSteps, sync: Sync): Promise<void> {
  const { deployment, newSet } = sync;
  const only = onlyActiveOrNewest(sync);
  if (only) {
    if (setReplicas(only) !== desiredReplicas(deployment)) {
      await steps.scale(sync, only, desiredReplicas(deployment));
    }
    return;
  }
  if (newSet && isSaturated(sync, newSet)) {
    for (const set of activeSets(sync.old)) await steps.scale(sync, set, 0);
    return;
  }
  if (!isRollingUpdate(deployment)) return;
  for (const { set, size } of proportionalSizes(deployment, activeSets(allSets(sync)))) {
    await steps.scale(sync, set, size);
  }
}

/** Undefined when several sets are active. */
function onlyActiveOrNewest(sync: Sync): Set | undefined {
  const active = activeSets(allSets(sync));
  if (active.length > 1) return undefined;
  return active[0] ?? sync.newSet ?? [...sync.old].sort(byAge).at(-1);
}

/** The new set is all that is needed, and was when it was last scaled. */
function isSaturated({ deployment }: Sync, set: Set): boolean {
  const desired = desiredReplicas(deployment);
  return (
    setReplicas(set) === desired &&
    numberIn(set, desiredReplicasAnnotation) === desired &&
    (set.status?.availableReplicas ?? 0) === desired
  );
}

import { byAge } from './replica-sets.ts';
import { isComplete } from './status.ts';
import {
  desiredReplicas,
  maxUnavailable,
  newSetReplicas,
  setAvailable,
  setReplicas,
  sumOf,
} from './strategy.ts';
import { activeSets, allSets, type DeploymentSteps, type Sync } from './sync.ts';

/**
 * One step of a rolling update: the new set grows as far as the surge allows; else the old ones shrink as far as
 * availability allows, first by pods that are not available anyway. Resolves with when to look again at the deadline.
 */
export async function rollingUpdate(steps: DeploymentSteps, sync: Sync): Promise<number | undefined> {
  await steps.syncRevision(sync, true);
  if (await scaleNewSet(steps, sync)) return steps.writeRolloutStatus(sync);
  if (await scaleOldSets(steps, sync)) return steps.writeRolloutStatus(sync);
  if (isComplete(sync.deployment, sync.deployment.status)) await steps.cleanUp(sync);
  return steps.writeRolloutStatus(sync);
}

async function scaleNewSet(steps: DeploymentSteps, sync: Sync): Promise<boolean> {
  const { deployment, newSet } = sync;
  if (!newSet) return false;
  const current = setReplicas(newSet);
  const desired = desiredReplicas(deployment);
  if (current === desired) return false;
  const size = current > desired ? desired : newSetReplicas(deployment, sync.old, current);
  return steps.scale(sync, newSet, size);
}

async function scaleOldSets(steps: DeploymentSteps, sync: Sync): Promise<boolean> {
  const { deployment, newSet } = sync;
  if (sumOf(sync.old, setReplicas) === 0) return false;
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  // New pods that are not available count as if they never will be: only what stays without them may go.
  const newUnavailable = newSet ? setReplicas(newSet) - setAvailable(newSet) : 0;
  const surplus = sumOf(allSets(sync), setReplicas) - minAvailable - newUnavailable;
  if (surplus <= 0) return false;
  const unhealthy = await dropUnavailable(steps, sync, surplus);
  const healthy = await dropAvailable(steps, sync, minAvailable);
  return unhealthy + healthy > 0;
}

async function dropUnavailable(steps: DeploymentSteps, sync: Sync, most: number): Promise<number> {
  let dropped = 0;
  for (const set of activeSets(sync.old).sort(byAge)) {
    const count = Math.min(most - dropped, setReplicas(set) - setAvailable(set));
    if (count <= 0) continue;
    await steps.scale(sync, set, setReplicas(set) - count);
    dropped += count;
  }
  return dropped;
}

async function dropAvailable(steps: DeploymentSteps, sync: Sync, minAvailable: number): Promise<number> {
  const most = sumOf(allSets(sync), setAvailable) - minAvailable;
  let dropped = 0;
  for (const set of activeSets(sync.old).sort(byAge)) {
    const count = Math.min(most - dropped, setReplicas(set));
    if (count <= 0) continue;
    await steps.scale(sync, set, setReplicas(set) - count);
    dropped += count;
  }
  return dropped;
}

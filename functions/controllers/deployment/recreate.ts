import { controllerOf } from '../common/owners.ts';
import { isPodTerminal } from '../common/pods.ts';
import { isComplete } from './status.ts';
import { desiredReplicas, sumOf } from './strategy.ts';
import { activeSets, type DeploymentSteps, type Sync } from './sync.ts';

/** One step of a Recreate: no new pod is made while an old one may still run. */
export async function recreate(steps: DeploymentSteps, sync: Sync): Promise<number | undefined> {
  await steps.syncRevision(sync, false);
  let scaledDown = false;
  for (const set of activeSets(sync.old)) scaledDown = (await steps.scale(sync, set, 0)) || scaledDown;
  if (scaledDown || oldPodsRun(sync)) return steps.writeRolloutStatus(sync);
  if (!sync.newSet) await steps.syncRevision(sync, true);
  if (sync.newSet) await steps.scale(sync, sync.newSet, desiredReplicas(sync.deployment));
  if (isComplete(sync.deployment, sync.deployment.status)) await steps.cleanUp(sync);
  return steps.writeRolloutStatus(sync);
}

function oldPodsRun({ newSet, old, pods }: Sync): boolean {
  if (sumOf(old, (set) => set.status?.replicas ?? 0) > 0) return true;
  return pods.some((pod) => controllerOf(pod)?.uid !== newSet?.metadata.uid && !isPodTerminal(pod));
}

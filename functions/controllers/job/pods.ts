import type { Job, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';

/** Keeps a pod until the Job's status has counted it (KEP-2307): no pod is lost, and none counted twice. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) ?? false;
}

/** Whether only a pod that has ended is replaced and counted; otherwise one that is being deleted is, too. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed';
}

/** A pod that is deleted before it ended never will: it counts as failed, unless the Job waits for its end. */
export function hasFailed(job: Job, { metadata, status }: Pod): boolean {
  if (status?.phase === 'Failed') return true;
  if (replacesOnlyFailed(job)) return false;
  return metadata.deletionTimestamp !== undefined && status?.phase !== 'Succeeded';
}

/** When its last container ended, or the nearest thing to it that is known, in ms. */
export function finishedAtMs({ metadata, status }: Persisted<Pod>): number {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const ends = statuses
    .map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''))
    .filter((at) => !Number.isNaN(at));
  if (ends.length > 0) return Math.max(...ends);
  if (metadata.deletionTimestamp) {
    return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return Date.parse(ready?.lastTransitionTime ?? metadata.creationTimestamp);
}

/**
 * A pod that is gone, or that another one took the name of, needs it no more. With `unchanged` a pod that is no more as
 * this reader saw it keeps it, as a Conflict: it may have ended meanwhile, and then it counts.
 */
export async function untrack(
  client: KubeClient,
  { metadata }: Persisted<Pod>,
  { unchanged = false } = {},
): Promise<void> {
  const { namespace, name, uid, resourceVersion } = metadata;
  const finalizers = { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] };
  const patch = { metadata: { uid, ...(unchanged && { resourceVersion }), ...finalizers } };
  try {
    await client.patch(pods, { namespace, name }, { type: 'strategic', patch });
  } catch (error) {
    if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    if (isKind(error, 'Conflict') && !error.message.includes('UID')) throw error;
  }
}

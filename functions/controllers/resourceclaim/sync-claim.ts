import type { Pod, ResourceClaimConsumerReference } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { Lister } from '../../../lib/client/lister.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { allocationFinalizer, type Claim, isDone, ownerOf, resourceClaims } from './claims.ts';

/** Takes reservations of pods that are done away; frees the devices of a claim that nobody has; removes what was made for a pod that is done. */
export async function syncClaim(client: KubeClient, allPods: Lister<Pod>, claim: Claim): Promise<void> {
  const { namespace, name, uid, deletionTimestamp, finalizers = [] } = claim.metadata;
  const reserved = claim.status?.reservedFor ?? [];
  const valid: ResourceClaimConsumerReference[] = [];
  for (const consumer of reserved) if (await isValid(consumer)) valid.push(consumer);
  const isHeld = finalizers.includes(allocationFinalizer);
  const isUnused = valid.length === 0;
  // What the scheduler allocated and nobody has reserved yet stays its choice, until the claim is to go.
  const isFreed = isUnused && isHeld && (reserved.length > 0 || deletionTimestamp !== undefined);
  let now = claim;
  if (valid.length < reserved.length || (isFreed && claim.status?.allocation)) {
    const { allocation, devices, reservedFor: _, ...rest } = claim.status ?? {};
    const status = isFreed
      ? rest
      : { ...rest, allocation, devices, ...(valid.length > 0 && { reservedFor: valid }) };
    now = await client.update(resourceClaims, { ...claim, status }, { subresource: 'status' });
  }
  if (isHeld && isUnused && !now.status?.allocation) {
    const rest = finalizers.filter((one) => one !== allocationFinalizer);
    now = await client.update(resourceClaims, { ...now, metadata: { ...now.metadata, finalizers: rest } });
  }
  if (!isUnused || deletionTimestamp || !(await isOwnerDone())) return;
  try {
    await client.delete(resourceClaims, { namespace, name }, { preconditions: { uid } });
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }

  async function isValid(consumer: ResourceClaimConsumerReference): Promise<boolean> {
    // Others than pods are not ours to judge.
    if (consumer.apiGroup || consumer.resource !== 'pods') return true;
    const pod = await podOf(consumer.name, consumer.uid);
    return pod !== undefined && !isDone(pod);
  }

  async function isOwnerDone(): Promise<boolean> {
    const owner = ownerOf(claim);
    const pod = owner && allPods.get(`${namespace}/${owner.name}`);
    // One whose pod is gone is the garbage collector's.
    return pod !== undefined && pod.metadata.uid === owner?.uid && isDone(pod);
  }

  /** Views of two types are not of one moment: a pod that is not in sight is asked for. */
  async function podOf(podName: string, podUid: string): Promise<Persisted<Pod> | undefined> {
    const seen = allPods.get(`${namespace}/${podName}`);
    if (seen?.metadata.uid === podUid) return seen;
    try {
      const found = await client.get(pods, { namespace, name: podName });
      return found.metadata.uid === podUid ? found : undefined;
    } catch (error) {
      if (isKind(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}

import type { AllocationResult, Condition, Pod } from '../../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../../lib/api/object.ts';
import type { Resource } from '../../../../lib/client/port.ts';
import { pause } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { PluginContext } from '../../framework/plugin.ts';
import { canBeReserved, type Claim, isReservedFor } from './pod-claims.ts';

const resourceClaims: Resource<Claim> = {
  group: 'resource.k8s.io',
  version: 'v1',
  plural: 'resourceclaims',
  kind: 'ResourceClaim',
  namespaced: true,
};
/** Keeps a claim from going while its devices are in use. */
const finalizer = 'resource.kubernetes.io/delete-protection';
/** Writers that meet on one claim try again so often. */
const maxAttempts = 5;

const refOf = ({ metadata: { namespace, name } }: Claim) => ({ namespace, name });

/**
 * Writes what was decided of a claim: its finalizer, then the allocation together with the pod's reservation.
 * @throws Error when somebody else has decided meanwhile.
 */
export async function bindClaim(
  { client }: PluginContext,
  decided: Claim,
  allocation: AllocationResult | undefined,
  pod: Persisted<Pod>,
): Promise<Claim> {
  for (let attempt = 1; ; attempt++) {
    try {
      let claim: Claim = await client.get(resourceClaims, refOf(decided));
      if (claim.metadata.uid !== decided.metadata.uid || claim.metadata.deletionTimestamp)
        throw new Error(`claim ${keyOf(decided)} got deleted in the meantime`);
      if (allocation && claim.status?.allocation)
        throw new Error(`claim ${keyOf(decided)} got allocated elsewhere in the meantime`);
      if (!allocation && !claim.status?.allocation)
        throw new Error(`claim ${keyOf(decided)} got deallocated elsewhere in the meantime`);
      if (isReservedFor(claim, pod)) return claim;
      if (!canBeReserved(claim)) throw new Error(`claim ${keyOf(decided)} is in use by too many pods`);
      if (allocation && !claim.metadata.finalizers?.includes(finalizer)) {
        const finalizers = [...(claim.metadata.finalizers ?? []), finalizer];
        claim = await client.update(resourceClaims, {
          ...claim,
          metadata: { ...claim.metadata, finalizers },
        });
      }
      const { name, uid } = pod.metadata;
      const status = {
        ...claim.status,
        ...(allocation && { allocation }),
        reservedFor: [...(claim.status?.reservedFor ?? []), { resource: 'pods', name, uid }],
      };
      return await client.update(resourceClaims, { ...claim, status }, { subresource: 'status' });
    } catch (error) {
      if (!isKind(error, 'Conflict') || attempt === maxAttempts) throw error;
    }
  }
}

/** Takes the pod's reservation away again. */
export async function unreserveClaim(
  { client }: PluginContext,
  claim: Claim,
  pod: Persisted<Pod>,
): Promise<void> {
  const patch = {
    metadata: { uid: claim.metadata.uid },
    status: { reservedFor: [{ $patch: 'delete', uid: pod.metadata.uid }] },
  };
  await client.patch(resourceClaims, refOf(claim), { type: 'strategic', patch }, { subresource: 'status' });
}

/** Frees the devices of a claim that nobody uses. */
export async function deallocate({ client }: PluginContext, claim: Claim): Promise<void> {
  const { allocation: _, reservedFor: __, ...status } = claim.status ?? {};
  await client.update(resourceClaims, { ...claim, status }, { subresource: 'status' });
}

/**
 * Waits until the drivers say of every device that it can be used, where they said that they would (KEP-5007).
 * @throws Error when one says that it cannot, or has not said so within the time-out.
 */
export async function awaitDevices(
  { clock, objects }: PluginContext,
  claim: Claim,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const waiting = (claim.status?.allocation?.devices?.results ?? []).filter(
    ({ bindingConditions }) => bindingConditions?.length,
  );
  if (waiting.length === 0) return;
  const deadline = clock.now() + timeoutMs;
  for (let waitMs = 25; ; waitMs = Math.min(1_000, waitMs * 2)) {
    const current = objects.resourceClaims.get(keyOf(claim)) ?? claim;
    const isReady = waiting.every(({ driver, pool, device, bindingConditions, bindingFailureConditions }) => {
      const found = current.status?.devices?.find(
        (one) => one.driver === driver && one.pool === pool && one.device === device,
      );
      const isTrue = (type: string) =>
        found?.conditions?.some((one: Condition) => one.type === type && one.status === 'True') ?? false;
      const failed = bindingFailureConditions?.find(isTrue);
      if (failed)
        throw new Error(`claim ${keyOf(claim)} binding failed: condition ${failed} of device ${device}`);
      return bindingConditions?.every(isTrue) ?? true;
    });
    if (isReady) return;
    if (clock.now() > deadline) throw new Error(`claim ${keyOf(claim)} binding timeout`);
    await pause(clock, waitMs, signal);
    signal.throwIfAborted();
  }
}

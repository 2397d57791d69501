import type { Pod, PodResourceClaim, ResourceV1ResourceClaim } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';

export type Claim = Persisted<ResourceV1ResourceClaim>;

/** The API lets so many pods share one claim. */
const maxConsumers = 256;

/** The claims of a pod; a claim that is not there yet, or is not the pod's, is said so in words. */
export function claimsOf(pod: Persisted<Pod>, get: (key: string) => Claim | undefined): Claim[] | string {
  const { namespace, name, uid } = pod.metadata;
  const found: Claim[] = [];
  for (const reference of pod.spec.resourceClaims ?? []) {
    const claimName = nameOf(pod, reference);
    if (claimName === undefined) {
      return `pod "${namespace}/${name}": ResourceClaim not created yet`;
    }
    // Made from a template that turned out to need none.
    if (claimName === '') continue;
    const claim = get(`${namespace}/${claimName}`);
    if (!claim) return `resourceclaim "${claimName}" not found`;
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${claimName}" is being deleted`;
    const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller);
    if (reference.resourceClaimTemplateName && owner?.uid !== uid) {
      return `ResourceClaim ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`;
    }
    found.push(claim);
  }
  return found;
}

/** Undefined while there is none, '' where none is needed. */
function nameOf(pod: Pod, { name, resourceClaimName }: PodResourceClaim): string | undefined {
  if (resourceClaimName) return resourceClaimName;
  const status = pod.status?.resourceClaimStatuses?.find((one) => one.name === name);
  return status && (status.resourceClaimName ?? '');
}

export function isReservedFor({ status }: Claim, pod: Persisted<Pod>): boolean {
  return status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid) ?? false;
}

export function canBeReserved({ status }: Claim): boolean {
  return (status?.reservedFor?.length ?? 0) < maxConsumers;
}

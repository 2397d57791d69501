import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../gen/types.ts';
import { quantityValue, parseQuantity } from '../quantity/index.ts';

/** Annotations by which those who bind and make volumes tell each other what is done ("Well-Known Labels, Annotations and Taints"). */
export const bindCompleted = 'pv.kubernetes.io/bind-completed';
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
export const selectedNode = 'volume.kubernetes.io/selected-node';
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
export const defaultClass = 'storageclass.kubernetes.io/is-default-class';
const betaDefaultClass = 'storageclass.beta.kubernetes.io/is-default-class';
const betaStorageClass = 'volume.beta.kubernetes.io/storage-class';

/** The class that a claim asks for; empty: a volume without one. Undefined where it leaves that open. */
export function askedClass({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.[betaStorageClass] ?? spec.storageClassName;
}

export function classOfClaim(claim: PersistentVolumeClaim): string {
  return askedClass(claim) ?? '';
}

export function classOfVolume({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[betaStorageClass] ?? spec.storageClassName ?? '';
}

export function isDefaultClass({ metadata }: StorageClass): boolean {
  const annotations = metadata.annotations ?? {};
  return annotations[defaultClass] === 'true' || annotations[betaDefaultClass] === 'true';
}

/** Whether the volume is reserved for the claim, or bound to it. */
export function isVolumeFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  return (
    claimRef !== undefined &&
    claimRef.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid)
  );
}

/** Bytes that the claim asks for; 0 where it does not say. */
export function requestedBytes({ spec }: PersistentVolumeClaim): number {
  return bytes(spec.resources?.requests?.storage);
}

export function capacityBytes({ spec }: PersistentVolume): number {
  return bytes(spec.capacity?.storage);
}

function bytes(quantity: string | undefined): number {
  return quantity === undefined ? 0 : quantityValue(parseQuantity(quantity));
}

/** Keys of the claims that a pod mounts, those that are made for it too (KEP-1698). */
export function claimKeysOf({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim =
      persistentVolumeClaim?.claimName ?? (ephemeral ? ephemeralClaimName(metadata.name, name) : undefined);
    return claim === undefined ? [] : [`${metadata.namespace}/${claim}`];
  });
}

/** The name of the claim that is made for an ephemeral volume of a pod. */
export function ephemeralClaimName(podName: string | undefined, volumeName: string): string {
  return `${podName}-${volumeName}`;
}

/** What is wrong with a claim that has the name of a pod's ephemeral volume and is not the pod's. */
export function notMadeFor(pod: Pod, claim: PersistentVolumeClaim): string | undefined {
  const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner?.uid !== undefined && owner.uid === pod.metadata.uid) return undefined;
  return `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`;
}

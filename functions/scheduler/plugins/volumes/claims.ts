import type { PersistentVolumeClaim, Pod, Volume } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';

/** A volume of a pod that is a claim: one that the pod names, or one that is made for it (KEP-1698). */
export interface ClaimVolume {
  readonly name: string;
  /** `namespace/name` */
  readonly key: string;
  readonly isEphemeral: boolean;
}

export function claimVolumes({ metadata, spec }: Pod): ClaimVolume[] {
  const found: ClaimVolume[] = [];
  for (const volume of spec.volumes ?? []) {
    const name = claimName(metadata.name ?? '', volume);
    if (name === undefined) continue;
    found.push({ name, key: `${metadata.namespace}/${name}`, isEphemeral: volume.ephemeral !== undefined });
  }
  return found;
}

function claimName(podName: string, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral ? `${podName}-${volume.name}` : undefined;
}

/** What is wrong with a claim that has the name of a pod's ephemeral volume and is not the pod's. */
export function notOwned(pod: Pod, claim: Persisted<PersistentVolumeClaim>): string | undefined {
  const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner?.uid !== undefined && owner.uid === pod.metadata.uid) return undefined;
  return `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`;
}

const betaStorageClass = 'volume.beta.kubernetes.io/storage-class';

export function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[betaStorageClass] ?? spec.storageClassName ?? '';
}

/** Said of an object that a pod needs and that is not there, as kube-scheduler's listers do. */
export function missing(singular: string, name: string): string {
  return `${singular} "${name}" not found`;
}

/** The events that make a claim of this very pod appear or change. */
export function concernsClaimOf(pod: Pod, claim: PersistentVolumeClaim): boolean {
  const key = `${claim.metadata.namespace}/${claim.metadata.name}`;
  return claimVolumes(pod).some((volume) => volume.key === key);
}

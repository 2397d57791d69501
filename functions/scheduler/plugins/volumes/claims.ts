import type { PersistentVolumeClaim, Pod, Volume } from '../../../../lib/api/gen/types.ts';
import { ephemeralClaimName } from '../../../../lib/api/storage/claims.ts';

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
  return volume.ephemeral ? ephemeralClaimName(podName, volume.name) : undefined;
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

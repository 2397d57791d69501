import {
  capacityBytes,
  classOfClaim,
  classOfVolume,
  isVolumeFor,
  requestedBytes,
} from '../../../lib/api/storage/claims.ts';
import { matchesLabels, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import type { Claim, StorageWorld, Volume } from './plan.ts';

/**
 * The volume that the claim gets (Persistent Volumes, "Binding"): the one that is reserved for it; or, unless the scheduler
 * chooses, of those that are available and suit it the one with the fewest access modes, and of these the smallest.
 */
export function bestMatch(claim: Claim, world: StorageWorld, isDelayed: boolean): Volume | undefined {
  const reserved = world
    .reservedFor(claim)
    .filter((volume) => isVolumeFor(volume, claim) && isUsable(volume, claim) && hasModes(volume, claim))
    .sort(byPreference);
  // One that has the claim's uid was chosen before, and the rest of the binding is still to do.
  const chosen = reserved.find(({ spec }) => spec.claimRef?.uid) ?? reserved[0];
  if (chosen || isDelayed) return chosen;
  const selector = claim.spec.selector && selectorFromObject(claim.spec.selector);
  const className = classOfClaim(claim);
  return world
    .volumesOfClass(className)
    .filter(
      (volume) =>
        !volume.spec.claimRef &&
        volume.status?.phase === 'Available' &&
        classOfVolume(volume) === className &&
        isUsable(volume, claim) &&
        hasModes(volume, claim) &&
        attributesOf(volume) === attributesOf(claim) &&
        (!selector || matchesLabels(selector, volume.metadata.labels)),
    )
    .sort(byPreference)[0];
}

/** Why a volume that the claim asks for by name is not for it; undefined: it is. */
export function mismatch(volume: Volume, claim: Claim): string | undefined {
  if (capacityBytes(volume) < requestedBytes(claim)) return 'requested PV is too small';
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match';
  if (attributesOf(volume) !== attributesOf(claim)) return 'VolumeAttributesClassName does not match';
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode';
  if (!hasModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}

export function modeOf({ spec }: Volume | Claim): string {
  return spec.volumeMode ?? 'Filesystem';
}

function isUsable(volume: Volume, claim: Claim): boolean {
  return (
    !volume.metadata.deletionTimestamp &&
    capacityBytes(volume) >= requestedBytes(claim) &&
    modeOf(volume) === modeOf(claim)
  );
}

function hasModes(volume: Volume, claim: Claim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode));
}

function attributesOf({ spec }: Volume | Claim): string {
  return spec.volumeAttributesClassName ?? '';
}

function byPreference(one: Volume, other: Volume): number {
  const modes = (volume: Volume) => volume.spec.accessModes?.length ?? 0;
  return (
    modes(one) - modes(other) ||
    capacityBytes(one) - capacityBytes(other) ||
    (one.metadata.name < other.metadata.name ? -1 : 1)
  );
}

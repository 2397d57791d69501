import { boundByController, provisionedBy } from '../../../lib/api/storage/claims.ts';
import { volumePhase } from './bind.ts';
import { modeOf } from './matching.ts';
import type { Step, StorageWorld, Volume } from './plan.ts';

/**
 * The key of the claim without which the volume would count as left, and which is not in sight. Views of two types are not of
 * one moment: that it is gone has to be asked for, before anything is done that loses data.
 */
export function missingClaim({ spec }: Volume, world: StorageWorld): string | undefined {
  const { uid, namespace, name } = spec.claimRef ?? {};
  if (!uid) return undefined;
  const key = `${namespace}/${name}`;
  return world.claim(key)?.metadata.uid === uid ? undefined : key;
}

/** What is next for a volume. */
export function planVolume(volume: Volume, world: StorageWorld): Step {
  const { claimRef } = volume.spec;
  // Without a uid it is reserved for a claim that has yet to take it.
  if (!claimRef?.uid) return volumePhase(volume, 'Available');
  const { name } = volume.metadata;
  const key = `${claimRef.namespace}/${claimRef.name}`;
  const found = world.claim(key);
  // Another one that has its name by now is not the claim.
  const claim = found?.metadata.uid === claimRef.uid ? found : undefined;
  if (!claim) return release(volume);
  if (!claim.spec.volumeName) {
    if (modeOf(volume) === modeOf(claim)) return { claims: [key] };
    const message = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name}" due to incompatible volumeMode.`;
    return { note: { about: volume, type: 'Warning', reason: 'VolumeMismatch', message }, claims: [key] };
  }
  if (claim.spec.volumeName === name) return volumePhase(volume, 'Bound');
  // It lost: the claim took another one.
  const isMade = volume.metadata.annotations?.[provisionedBy] !== undefined;
  if (isMade && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return release(volume);
  return { write: { to: 'volume', object: unbound(volume) } };
}

/** Nobody's any more: what becomes of it is for its reclaim policy to say. */
function release(volume: Volume): Step {
  const phase = volume.status?.phase;
  if (phase !== 'Released' && phase !== 'Failed') return volumePhase(volume, 'Released');
  return reclaim(volume);
}

function reclaim(volume: Volume): Step {
  const { persistentVolumeReclaimPolicy: policy } = volume.spec;
  switch (policy) {
    case 'Retain':
      return {};
    case 'Delete': {
      // Who made it deletes it.
      const maker = volume.metadata.annotations?.[provisionedBy];
      if (maker && !maker.startsWith('kubernetes.io/')) return {};
      const message = `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`;
      return failed(volume, 'VolumeFailedDelete', message);
    }
    case 'Recycle':
      return failed(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    default: {
      const message = 'Volume has an unrecognized PersistentVolumeReclaimPolicy';
      return failed(volume, 'VolumeUnknownReclaimPolicy', message);
    }
  }
}

function failed(volume: Volume, reason: string, message: string): Step {
  return volumePhase(volume, 'Failed', { type: 'Warning', reason, message });
}

/** Free again; one that its owner has reserved stays reserved. */
function unbound(volume: Volume): Volume {
  const { metadata, spec } = volume;
  const { claimRef, ...free } = spec;
  const { [boundByController]: isOurs, ...annotations } = metadata.annotations ?? {};
  if (isOurs !== undefined) return { ...volume, metadata: { ...metadata, annotations }, spec: free };
  const { uid: _, ...reservation } = claimRef ?? {};
  return { ...volume, spec: { ...spec, claimRef: reservation } };
}

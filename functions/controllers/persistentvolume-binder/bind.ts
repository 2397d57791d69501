import type { PersistentVolume, PersistentVolumeClaim } from '../../../lib/api/gen/types.ts';
import { bindCompleted, boundByController, isVolumeFor } from '../../../lib/api/storage/claims.ts';
import { semanticEqual } from '../common/equal.ts';
import type { Claim, Note, Step, Volume, Write } from './plan.ts';

/**
 * The next of the four writes that bind the two: the volume is the claim's, and says so; the claim has the volume, and says
 * so. The volume comes first: that write decides which of several claims gets it. Nothing once all is done.
 */
export function bindStep(volume: Volume, claim: Claim): Step {
  const write =
    claimed(volume, claim) ??
    volumePhase(volume, 'Bound').write ??
    filled(claim, volume) ??
    claimStatus(claim, 'Bound', volume);
  return write ? { write } : {};
}

function claimed(volume: Volume, claim: Claim): Write | undefined {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const isReserved = isVolumeFor(volume, claim);
  if (isReserved && volume.spec.claimRef?.uid === uid) return undefined;
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
  const object = { ...volume, spec: { ...volume.spec, claimRef } };
  // What its owner has reserved stays reserved when the claim goes.
  return { to: 'volume', object: isReserved ? object : annotated(object, boundByController) };
}

function filled(claim: Claim, volume: Volume): Write | undefined {
  const { name } = volume.metadata;
  const isNamed = claim.spec.volumeName === name;
  if (isNamed && claim.metadata.annotations?.[bindCompleted] !== undefined) return undefined;
  const named = isNamed
    ? claim
    : annotated({ ...claim, spec: { ...claim.spec, volumeName: name } }, boundByController);
  return { to: 'claim', object: annotated(named, bindCompleted) };
}

/** The claim's status in a phase, with what it has of the volume; undefined where it is so already. */
export function claimStatus(claim: Claim, phase: string, volume?: Volume): Write | undefined {
  const before = claim.status ?? {};
  const status = { ...before, phase };
  if (volume) {
    status.accessModes = volume.spec.accessModes;
    // Of one that is bound already, the volume may be larger: its file system has yet to grow.
    const capacity = volume.spec.capacity?.storage;
    if (before.phase !== phase && capacity !== undefined) status.capacity = { storage: capacity };
    const attributes = volume.spec.volumeAttributesClassName;
    if (before.phase !== phase && attributes) status.currentVolumeAttributesClassName = attributes;
  } else {
    delete status.accessModes;
    delete status.capacity;
  }
  if (semanticEqual(status, before)) return undefined;
  return { to: 'claim', object: { ...claim, status }, subresource: 'status' };
}

/** The volume in a phase; nothing, and no event either, where it is in that phase already. */
export function volumePhase(volume: Volume, phase: string, note?: Omit<Note, 'about'>): Step {
  if (volume.status?.phase === phase) return {};
  const { message: _, reason: __, ...before } = volume.status ?? {};
  const status = { ...before, phase, ...(note && { message: note.message }) };
  return {
    write: { to: 'volume', object: { ...volume, status }, subresource: 'status' },
    ...(note && { note: { about: volume, ...note } }),
  };
}

function annotated<T extends PersistentVolume | PersistentVolumeClaim>(object: T, name: string): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [name]: 'yes' } } };
}

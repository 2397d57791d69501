import type { PersistentVolumeClaim, StorageClass } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import {
  askedClass,
  betaStorageProvisioner,
  bindCompleted,
  boundByController,
  classOfClaim,
  isDefaultClass,
  isVolumeFor,
  selectedNode,
  storageProvisioner,
} from '../../../lib/api/storage/claims.ts';
import { bindStep, claimStatus } from './bind.ts';
import { bestMatch, mismatch } from './matching.ts';
import type { Claim, Note, Step, StorageWorld } from './plan.ts';

/** The volume without which the claim would count as lost, and which is not in sight. */
export function missingVolume({ metadata, spec }: Claim, world: StorageWorld): string | undefined {
  if (metadata.annotations?.[bindCompleted] === undefined || !spec.volumeName) return undefined;
  return world.volume(spec.volumeName) ? undefined : spec.volumeName;
}

/** What is next for a claim. */
export function planClaim(claim: Claim, world: StorageWorld): Step {
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return planBound(claim, world);
  return claim.spec.volumeName ? planNamed(claim, world) : planOpen(claim, world);
}

/** One that had a volume has it, or has lost it and everything that was on it. */
function planBound(claim: Claim, world: StorageWorld): Step {
  const { volumeName } = claim.spec;
  const lost = 'Data on the volume is lost!';
  if (!volumeName) {
    const message = `Bound claim has lost reference to PersistentVolume. ${lost}`;
    return inPhase(claim, 'Lost', warning(claim, 'ClaimLost', message));
  }
  const volume = world.volume(volumeName);
  if (!volume) {
    const message = `Bound claim has lost its PersistentVolume. ${lost}`;
    return inPhase(claim, 'Lost', warning(claim, 'ClaimLost', message));
  }
  const { claimRef } = volume.spec;
  if (!claimRef || claimRef.uid === claim.metadata.uid) return bindStep(volume, claim);
  const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
  return inPhase(claim, 'Lost', warning(claim, 'ClaimMisbound', message));
}

/** One whose user says which volume it is to have. */
function planNamed(claim: Claim, world: StorageWorld): Step {
  const volume = world.volume(claim.spec.volumeName ?? '');
  if (!volume) return inPhase(claim, 'Pending');
  const { name } = volume.metadata;
  if (!volume.spec.claimRef) {
    const problem = mismatch(volume, claim);
    if (!problem) return bindStep(volume, claim);
    const message = `Cannot bind to requested volume "${name}": ${problem}`;
    return said(inPhase(claim, 'Pending'), warning(claim, 'VolumeMismatch', message));
  }
  if (isVolumeFor(volume, claim)) return bindStep(volume, claim);
  const message = `volume "${name}" already bound to a different claim.`;
  // Nobody but this controller sets the annotation, and it does so only with a volume that it has.
  if (claim.metadata.annotations?.[boundByController] !== undefined) return {};
  return said(inPhase(claim, 'Pending'), warning(claim, 'FailedBinding', message));
}

/** One that takes whatever suits it. */
function planOpen(claim: Claim, world: StorageWorld): Step {
  const className = classOfClaim(claim);
  const storageClass = className ? world.storageClass(className) : undefined;
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = bestMatch(claim, world, isDelayed);
  if (volume) return bindStep(volume, claim);
  if (askedClass(claim) === undefined) {
    const fallback = newestDefault(world.storageClasses());
    // KEP-3333: a default that came later is for claims that were made before it.
    if (fallback) {
      const storageClassName = fallback.metadata.name;
      return { write: { to: 'claim', object: { ...claim, spec: { ...claim.spec, storageClassName } } } };
    }
  }
  if (isDelayed && claim.metadata.annotations?.[selectedNode] === undefined) {
    return said(inPhase(claim, 'Pending'), waiting(claim, world.waitingPods(claim)));
  }
  if (className) return provision(claim, className, storageClass);
  const message = 'no persistent volumes available for this claim and no storage class is set';
  return said(inPhase(claim, 'Pending'), { about: claim, type: 'Normal', reason: 'FailedBinding', message });
}

/** Hands the claim to the provisioner of its class, which is a program of its own. */
function provision(claim: Claim, className: string, storageClass: Persisted<StorageClass> | undefined): Step {
  const failed = (message: string) =>
    said(inPhase(claim, 'Pending'), warning(claim, 'ProvisioningFailed', message));
  if (!storageClass) return failed(`storageclass.storage.k8s.io "${className}" not found`);
  const { provisioner } = storageClass;
  // Those that were part of Kubernetes once are gone, `kubernetes.io/no-provisioner` says that there is none.
  if (provisioner.startsWith('kubernetes.io/'))
    return failed(`no volume plugin matched name: ${provisioner}`);
  const wanted = { [betaStorageProvisioner]: provisioner, [storageProvisioner]: provisioner };
  const { annotations } = claim.metadata;
  if (Object.entries(wanted).some(([name, value]) => annotations?.[name] !== value)) {
    return { write: { to: 'claim', object: withAnnotations(claim, wanted) } };
  }
  return said(inPhase(claim, 'Pending'), {
    about: claim,
    type: 'Normal',
    reason: 'ExternalProvisioning',
    message: `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  });
}

function waiting(claim: Claim, pods: readonly string[]): Note {
  const [one] = pods;
  if (one === undefined) {
    const message = 'waiting for first consumer to be created before binding';
    return { about: claim, type: 'Normal', reason: 'WaitForFirstConsumer', message };
  }
  const subject = pods.length > 1 ? `pods ${pods.join(',')}` : `pod ${one}`;
  const message = `waiting for ${subject} to be scheduled`;
  return { about: claim, type: 'Normal', reason: 'WaitForPodScheduled', message };
}

/** Of several the one that was made last; of the same age the first by name. */
function newestDefault(classes: readonly Persisted<StorageClass>[]): Persisted<StorageClass> | undefined {
  const madeAt = ({ metadata }: Persisted<StorageClass>) => Date.parse(metadata.creationTimestamp);
  return classes
    .filter(isDefaultClass)
    .sort((a, b) => madeAt(b) - madeAt(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}

function inPhase(claim: Claim, phase: string, note?: Note): Step {
  const write = claimStatus(claim, phase);
  return write ? { write, ...(note && { note }) } : {};
}

/** With an event each time that it is looked at, whether something is written or not. */
function said(step: Step, note: Note): Step {
  return step.write ? step : { note };
}

function warning(claim: Claim, reason: string, message: string): Note {
  return { about: claim, type: 'Warning', reason, message };
}

function withAnnotations<T extends PersistentVolumeClaim>(claim: T, annotations: Record<string, string>): T {
  const { metadata } = claim;
  return { ...claim, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}

/**
 * Who owns a pod's claims, and so with whom they go (KEP-1847): nobody where they are retained, the set where they go
 * with it, a pod where it has been scaled away and they go with that.
 */
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import type { Resource } from '../../../lib/client/port.ts';
import { apiVersionOf, pods, statefulSets } from '../../../lib/client/resources.ts';
import { controllerReference } from '../common/owners.ts';
import { isInRange, ordinalOf } from './identity.ts';

interface Owners {
  set: Persisted<StatefulSet>;
  /** Undefined before it has been created. */
  pod: Persisted<Pod> | undefined;
}

/** A claim that a pod of the same name has left behind; it goes with that pod, and another pod must not use it. */
export function isLeftBehind(
  claim: PersistentVolumeClaim,
  podName: string,
  podUid: string | undefined,
): boolean {
  return referencesOf(claim).some((reference) => names(reference, pods, podName) && reference.uid !== podUid);
}

/** The owner references that the claim should have; undefined when they are right, or not ours to change. */
export function wantedReferences(
  claim: Persisted<PersistentVolumeClaim>,
  owners: Owners,
): OwnerReference[] | undefined {
  const { set, pod } = owners;
  const before = referencesOf(claim);
  const isStale =
    before.some((one) => names(one, statefulSets, set.metadata.name) && one.uid !== set.metadata.uid) ||
    (pod !== undefined && isLeftBehind(claim, pod.metadata.name, pod.metadata.uid));
  if (isStale) return undefined;
  const isOurs = (one: OwnerReference) =>
    names(one, statefulSets, set.metadata.name) || (pod !== undefined && names(one, pods, pod.metadata.name));
  const others = before.filter((one) => !isOurs(one));
  const wanted = hasOtherController(others, set) ? others : [...others, ...ownReferences(owners)];
  return isSame(before, wanted) ? undefined : wanted;
}

/** Where claims are retained, it is no matter who else controls them. */
function hasOtherController(others: readonly OwnerReference[], { spec }: StatefulSet): boolean {
  const { whenDeleted, whenScaled } = spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenDeleted !== 'Delete' && whenScaled !== 'Delete') return false;
  return others.some(({ controller }) => controller);
}

function ownReferences({ set, pod }: Owners): OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const ordinal = pod && ordinalOf(pod, set.metadata.name);
  const isScaledAway = ordinal !== undefined && !isInRange(set, ordinal);
  if (isScaledAway && whenScaled === 'Delete') return pod ? [controllerReference(pods, pod)] : [];
  return whenDeleted === 'Delete' ? [controllerReference(statefulSets, set)] : [];
}

function referencesOf({ metadata }: PersistentVolumeClaim): OwnerReference[] {
  return metadata.ownerReferences ?? [];
}

function names<T extends KubeObject>(
  { apiVersion, kind, name }: OwnerReference,
  resource: Resource<T>,
  wanted: string,
): boolean {
  return kind === resource.kind && apiVersion === apiVersionOf(resource) && name === wanted;
}

function isSame(before: readonly OwnerReference[], after: readonly OwnerReference[]): boolean {
  return (
    before.length === after.length &&
    after.every(({ uid, controller }) =>
      before.some((one) => one.uid === uid && (one.controller ?? false) === (controller ?? false)),
    )
  );
}

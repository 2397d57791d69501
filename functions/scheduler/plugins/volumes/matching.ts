import type {
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { wholeOf } from '../../../../lib/api/pod-resources.ts';
import { matchesLabels, selectorFromObject } from '../../../../lib/api/selectors/index.ts';
import { classOfClaim, isVolumeFor, requestedBytes } from '../../../../lib/api/storage/claims.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import { nodeSelectorMatcher } from '../../../../lib/api/scheduling/node-selector.ts';

type Claim = Persisted<PersistentVolumeClaim>;
type Volume = Persisted<PersistentVolume>;

/** Whether the volume can be reached from the node. */
export function reachable({ spec }: PersistentVolume, node: NodeInfo): boolean {
  const required = spec?.nodeAffinity?.required;
  return required ? nodeSelectorMatcher(required)(node) : true;
}

/**
 * The smallest volume that the claim can have on the node, without those taken by others: the one that is reserved for
 * it, or an available one of its class, with its modes, its labels and its size (Persistent Volumes, "Binding").
 */
export function matchingVolume(
  claim: Claim,
  volumes: readonly Volume[],
  node: NodeInfo,
  taken: ReadonlySet<string>,
): Volume | undefined {
  const wanted = requestedBytes(claim);
  const selector = claim.spec.selector && selectorFromObject(claim.spec.selector);
  let smallest: { volume: Volume; size: number } | undefined;
  for (const volume of volumes) {
    const spec = volume.spec ?? {};
    if (taken.has(volume.metadata.name)) continue;
    const isReserved = isVolumeFor(volume, claim);
    if (spec.claimRef && !isReserved) continue;
    const size = wholeOf(spec.capacity?.['storage'] ?? '0');
    if (size < wanted) continue;
    if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) continue;
    if ((spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) continue;
    if (volume.metadata.deletionTimestamp) continue;
    const isReachable = reachable(volume, node);
    if (isReserved) return isReachable ? volume : undefined;
    if (volume.status?.phase !== 'Available' || !isReachable) continue;
    if (selector && !matchesLabels(selector, volume.metadata.labels)) continue;
    if ((spec.storageClassName ?? '') !== classOfClaim(claim)) continue;
    if (!claim.spec.accessModes?.every((mode) => spec.accessModes?.includes(mode))) continue;
    if (!smallest || size < smallest.size) smallest = { volume, size };
  }
  return smallest?.volume;
}

/** Whether volumes of the class may be made for the node. */
export function allowsTopology({ allowedTopologies }: StorageClass, node: NodeInfo): boolean {
  if (!allowedTopologies?.length) return true;
  return allowedTopologies.some(({ matchLabelExpressions }) =>
    (matchLabelExpressions ?? []).every(({ key, values }) => {
      const value = node.labels[key];
      return value !== undefined && values.includes(value);
    }),
  );
}

/** The largest volume that the capacity has room for, in bytes; undefined where it does not say (KEP-1472). */
export function volumeLimit({ maximumVolumeSize, capacity }: CSIStorageCapacity): number | undefined {
  const limit = maximumVolumeSize ?? capacity;
  return limit === undefined ? undefined : wholeOf(limit);
}

export function hasCapacity(capacity: CSIStorageCapacity, sizeBytes: number, node: NodeInfo): boolean {
  const limit = volumeLimit(capacity);
  if (limit === undefined || limit < sizeBytes || !capacity.nodeTopology) return false;
  return matchesLabels(selectorFromObject(capacity.nodeTopology), node.labels);
}

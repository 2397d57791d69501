import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { provisionedBy } from '../../../lib/api/storage/claims.ts';

export const provisionerName = 'kumulus.io/local-path';
export const localPathClass = 'local-path';
/** Which node has the directory. */
export const nodeAnnotation = 'kumulus.io/local-path-node';
/** Holds a volume until its directory is gone, whoever deletes it first (KEP-2644). */
export const directoryFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer';

const modes = ['ReadWriteOnce', 'ReadWriteOncePod'];

export function volumeName({ metadata }: Persisted<PersistentVolumeClaim>): string {
  return `pvc-${metadata.uid}`;
}

/** Why a claim can have no directory; undefined: it can. */
export function refusal({ spec }: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  if (spec.volumeMode === 'Block') return 'block volumes are not supported';
  if (spec.selector) return 'claims with a selector are not supported';
  if (spec.dataSource || spec.dataSourceRef) return 'claims with a data source are not supported';
  if (storageClass.mountOptions?.length) return 'mount options are not supported';
  const other = spec.accessModes?.find((mode) => !modes.includes(mode));
  return (
    other && `access mode ${other} is not supported, only ${modes.join(' and ')}: a directory is on one node`
  );
}

/** The volume that is a directory of a node. It keeps the claim's pods on that node. */
export function localVolume(
  claim: Persisted<PersistentVolumeClaim>,
  storageClass: Persisted<StorageClass>,
  node: Persisted<Node>,
  path: string,
): PersistentVolume {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const hostname = node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name;
  return {
    metadata: {
      name: volumeName(claim),
      annotations: { [provisionedBy]: provisionerName, [nodeAnnotation]: node.metadata.name },
      finalizers: [directoryFinalizer],
    },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.storage ?? '0' },
      accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion },
      local: { path },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] },
          ],
        },
      },
    },
  };
}

/** Whether the directory is to go: nobody has the volume any more, and it is not to be kept. */
export function isToBeRemoved({ metadata, spec, status }: PersistentVolume): boolean {
  if (spec.persistentVolumeReclaimPolicy !== 'Delete') return false;
  const isFree = status?.phase === 'Released' || status?.phase === 'Failed';
  return isFree || (metadata.deletionTimestamp !== undefined && status?.phase !== 'Bound');
}

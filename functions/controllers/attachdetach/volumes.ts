/** Volumes of CSI drivers that have to be attached to a node before it can mount them, and how they are called. */
import { createHash } from 'node:crypto';
import type {
  CSIDriver,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  VolumeAttachment,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { claimKeysOf, isVolumeFor, notMadeFor } from '../../../lib/api/storage/claims.ts';
import type { Lister } from '../../../lib/client/lister.ts';
import { isPodTerminal } from '../common/pods.ts';

export interface AttachableVolume {
  /** As nodes call it: `kubernetes.io/csi/ebs.csi.aws.com^vol-1`. */
  uniqueName: string;
  /** The PersistentVolume's. */
  name: string;
  driver: string;
  handle: string;
  /** May be attached to several nodes at once. */
  isShared: boolean;
}

export interface StorageListers {
  claims: Lister<PersistentVolumeClaim>;
  volumes: Lister<PersistentVolume>;
  drivers: Lister<CSIDriver>;
}

/** What has to be attached for a volume; undefined where nothing has. A driver that says nothing of itself attaches. */
export function attachable(
  { metadata, spec }: Persisted<PersistentVolume>,
  drivers: Lister<CSIDriver>,
): AttachableVolume | undefined {
  if (!spec.csi) return undefined;
  const { driver, volumeHandle: handle } = spec.csi;
  if (drivers.get(driver)?.spec.attachRequired === false) return undefined;
  const modes = spec.accessModes ?? [];
  return {
    uniqueName: `kubernetes.io/csi/${driver}^${handle}`,
    name: metadata.name,
    driver,
    handle,
    isShared: modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany'),
  };
}

/** What a pod needs attached to its node. Claims that are not bound yet come back when they are. */
export function volumesOfPod(
  pod: Persisted<Pod>,
  { claims, volumes, drivers }: StorageListers,
): AttachableVolume[] {
  if (isOver(pod)) return [];
  return claimKeysOf(pod).flatMap((key) => {
    const claim = claims.get(key);
    if (!claim?.spec.volumeName || claim.status?.phase !== 'Bound') return [];
    const isEphemeral = !pod.spec.volumes?.some(
      ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim.metadata.name,
    );
    if (isEphemeral && notMadeFor(pod, claim)) return [];
    const volume = volumes.get(claim.spec.volumeName);
    if (!volume || !isVolumeFor(volume, claim)) return [];
    const found = attachable(volume, drivers);
    return found ? [found] : [];
  });
}

/** None of its containers runs, and none will again: its volumes are needed no more. */
function isOver(pod: Pod): boolean {
  if (isPodTerminal(pod)) return true;
  if (pod.metadata.deletionTimestamp === undefined) return false;
  return (pod.status?.containerStatuses ?? []).every(
    ({ state }) => state?.terminated !== undefined || state?.waiting !== undefined,
  );
}

/** The name follows from the content, so that two that attach at once make one, and drivers of any version find it. */
export function attachmentFor(
  { name, driver, handle }: AttachableVolume,
  nodeName: string,
): VolumeAttachment {
  const hash = createHash('sha256').update(`${handle}${driver}${nodeName}`).digest('hex');
  return {
    metadata: { name: `csi-${hash}` },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName: name } },
  };
}

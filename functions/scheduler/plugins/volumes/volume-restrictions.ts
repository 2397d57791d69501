import type { PersistentVolumeClaim, Pod, Volume } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { stateKey } from '../../framework/cycle-state.ts';
import type { Plugin, PluginContext } from '../../framework/plugin.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { skip, unresolvable, unschedulable } from '../../framework/status.ts';
import { claimVolumes, concernsClaimOf, missing } from './claims.ts';

const diskConflict = unschedulable('node(s) had no available disk');
const claimInUse = unschedulable(
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
);

/** Claims of the pod that one pod at a time may use, and how many other pods use one of them. */
class Exclusive {
  readonly claims: ReadonlySet<string>;
  users: number;

  constructor(claims: ReadonlySet<string>, users: number) {
    this.claims = claims;
    this.users = users;
  }

  clone(): Exclusive {
    return new Exclusive(this.claims, this.users);
  }
}

const exclusiveKey = stateKey<Exclusive>('claims for one pod');

/** Keeps apart pods that must not share a disk: disks in the pod itself, and claims that are ReadWriteOncePod. */
export function volumeRestrictions({ objects, snapshot }: PluginContext): Plugin {
  const users = countUsers(snapshot);

  return {
    name: 'VolumeRestrictions',
    events: [
      {
        resource: 'AssignedPod',
        actions: ['Delete'],
        hint: ({ pod }, { before }) => {
          const gone = before as Pod;
          const sharesDisk = (pod.spec.volumes ?? []).some((volume) => conflicts(volume, gone));
          return sharesDisk || shareClaim(pod, gone) ? 'Queue' : 'Skip';
        },
      },
      { resource: 'Node', actions: ['Add'] },
      {
        resource: 'PersistentVolumeClaim',
        // Its access modes do not change.
        actions: ['Add'],
        hint: ({ pod }, { after }) =>
          concernsClaimOf(pod, after as PersistentVolumeClaim) ? 'Queue' : 'Skip',
      },
    ],
    preFilter(state, { pod, namespace }) {
      const claims = new Set<string>();
      for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
        if (!persistentVolumeClaim) continue;
        const { claimName } = persistentVolumeClaim;
        const claim = objects.claims.get(`${namespace}/${claimName}`);
        if (!claim) return { status: unresolvable(missing('persistentvolumeclaim', claimName)) };
        if (claim.spec.accessModes?.includes('ReadWriteOncePod')) claims.add(`${namespace}/${claimName}`);
      }
      if (claims.size === 0 && !(pod.spec.volumes ?? []).some(isDisk)) return { status: skip };
      let count = 0;
      for (const key of claims) count += users.get(key) ?? 0;
      state.write(exclusiveKey, new Exclusive(claims, count));
      return undefined;
    },
    addPod: (state, _pod, added) => adjust(state.find(exclusiveKey), added, 1),
    removePod: (state, _pod, removed) => adjust(state.find(exclusiveKey), removed, -1),
    filter(state, { pod }, node) {
      const disks = (pod.spec.volumes ?? []).filter(isDisk);
      if (disks.length > 0) {
        for (const other of node.pods.values()) {
          if (disks.some((disk) => conflicts(disk, other.pod))) return diskConflict;
        }
      }
      return state.read(exclusiveKey).users > 0 ? claimInUse : undefined;
    },
  };
}

function adjust(exclusive: Exclusive | undefined, { pod }: PodInfo, times: 1 | -1): void {
  if (!exclusive || exclusive.claims.size === 0) return;
  for (const { key } of claimVolumes(pod)) if (exclusive.claims.has(key)) exclusive.users += times;
}

/** How many pods on nodes use each claim, kept as they come and go. */
function countUsers(snapshot: PluginContext['snapshot']): ReadonlyMap<string, number> {
  const users = new Map<string, number>();
  const count = ({ pod }: { pod: Persisted<Pod> }, times: 1 | -1) => {
    for (const { key } of claimVolumes(pod)) {
      const now = (users.get(key) ?? 0) + times;
      if (now === 0) users.delete(key);
      else users.set(key, now);
    }
  };
  for (const node of snapshot.nodes) for (const pod of node.pods.values()) count(pod, 1);
  snapshot.observe({ podAdded: (pod) => count(pod, 1), podRemoved: (pod) => count(pod, -1) });
  return users;
}

function shareClaim(pod: Pod, other: Pod): boolean {
  const keys = new Set(claimVolumes(pod).map(({ key }) => key));
  return claimVolumes(other).some(({ key }) => keys.has(key));
}

function isDisk(volume: Volume): boolean {
  return Boolean(volume.gcePersistentDisk ?? volume.awsElasticBlockStore ?? volume.iscsi ?? volume.rbd);
}

/** Whether a pod has the same disk in a way that does not allow sharing: not all of them only read. */
function conflicts(volume: Volume, { spec }: Pod): boolean {
  return (spec.volumes ?? []).some((other) => {
    const { gcePersistentDisk: gce, awsElasticBlockStore: ebs, iscsi, rbd } = volume;
    const mayShare = (a: { readOnly?: boolean }, b: { readOnly?: boolean }) => a.readOnly && b.readOnly;
    if (gce && other.gcePersistentDisk) {
      return gce.pdName === other.gcePersistentDisk.pdName && !mayShare(gce, other.gcePersistentDisk);
    }
    if (ebs && other.awsElasticBlockStore) return ebs.volumeID === other.awsElasticBlockStore.volumeID;
    if (iscsi && other.iscsi) return iscsi.iqn === other.iscsi.iqn && !mayShare(iscsi, other.iscsi);
    if (!rbd || !other.rbd) return false;
    const { monitors, pool = 'rbd', image } = other.rbd;
    const isSame =
      rbd.monitors.some((monitor) => monitors.includes(monitor)) &&
      (rbd.pool ?? 'rbd') === pool &&
      rbd.image === image;
    return isSame && !mayShare(rbd, other.rbd);
  });
}

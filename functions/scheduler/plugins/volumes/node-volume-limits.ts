import type { CSINode, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../../../lib/api/gen/types.ts';
import { classOfClaim, notMadeFor } from '../../../../lib/api/storage/claims.ts';
import type { Plugin, PluginContext } from '../../framework/plugin.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import { skip, type Status, unresolvable, unschedulable } from '../../framework/status.ts';
import { claimVolumes, concernsClaimOf, missing } from './claims.ts';

const tooMany = unschedulable('node(s) exceed max volume count');

/** Keeps a pod off nodes to which its CSI drivers can attach no more volumes (Node-specific Volume Limits). */
export function nodeVolumeLimits({ objects }: PluginContext): Plugin {
  /** `driver/handle` of each volume to its driver. A volume that is yet to be made counts under its claim's name. */
  function volumesOf(pod: Pod, isNew: boolean): Map<string, string> | Status {
    const found = new Map<string, string>();
    for (const { key, name, isEphemeral } of claimVolumes(pod)) {
      const claim = objects.claims.get(key);
      if (!claim) {
        if (isNew) return unresolvable(missing('persistentvolumeclaim', name));
        continue;
      }
      const foreign = isEphemeral ? notMadeFor(pod, claim) : undefined;
      if (foreign) {
        if (isNew) return unresolvable(foreign);
        continue;
      }
      const volume = csiVolumeOf(claim);
      if (volume) found.set(`${volume.driver}/${volume.handle}`, volume.driver);
    }
    return found;
  }

  function csiVolumeOf(claim: PersistentVolumeClaim): { driver: string; handle: string } | undefined {
    const volume = claim.spec.volumeName ? objects.volumes.get(claim.spec.volumeName) : undefined;
    if (volume) {
      const { csi } = volume.spec ?? {};
      return csi?.driver && csi.volumeHandle ? { driver: csi.driver, handle: csi.volumeHandle } : undefined;
    }
    const driver = objects.storageClasses.get(classOfClaim(claim))?.provisioner;
    // No handle has a blank in it.
    return driver ? { driver, handle: ` ${claim.metadata.namespace}/${claim.metadata.name}` } : undefined;
  }

  /** What is attached, or about to be, by driver; volumes that are there are taken out of `wanted`. */
  function attached(node: NodeInfo, wanted: Map<string, string>): Map<string, number> {
    const there = new Map<string, string>();
    for (const other of node.pods.values()) {
      if (!other.pod.spec.volumes?.length) continue;
      const volumes = volumesOf(other.pod, false);
      if (!('code' in volumes)) for (const [volume, driver] of volumes) there.set(volume, driver);
    }
    for (const { spec } of objects.volumeAttachments.byIndex('node', node.name)) {
      const handle = objects.volumes.get(spec.source.persistentVolumeName ?? '')?.spec?.csi?.volumeHandle;
      if (handle) there.set(`${spec.attacher}/${handle}`, spec.attacher);
    }
    const counts = new Map<string, number>();
    for (const [volume, driver] of there) {
      wanted.delete(volume);
      counts.set(driver, (counts.get(driver) ?? 0) + 1);
    }
    return counts;
  }

  return {
    name: 'NodeVolumeLimits',
    events: [
      {
        resource: 'CSINode',
        actions: ['Add', 'Update'],
        hint: (_pod, { before, after }) =>
          !before || hasGrown(before as CSINode, after as CSINode) ? 'Queue' : 'Skip',
      },
      {
        resource: 'AssignedPod',
        actions: ['Delete'],
        hint: (_pod, { before }) => (claimVolumes(before as Pod).length > 0 ? 'Queue' : 'Skip'),
      },
      {
        resource: 'PersistentVolumeClaim',
        actions: ['Add'],
        hint: ({ pod }, { after }) =>
          concernsClaimOf(pod, after as PersistentVolumeClaim) ? 'Queue' : 'Skip',
      },
      {
        resource: 'VolumeAttachment',
        actions: ['Delete'],
        hint: (_pod, { before }) =>
          (before as VolumeAttachment | undefined)?.spec.source.persistentVolumeName ? 'Queue' : 'Skip',
      },
    ],
    preFilter: (_state, { pod }) => (claimVolumes(pod).length === 0 ? { status: skip } : undefined),
    filter(_state, { pod }, node) {
      const csiNode = objects.csiNodes.get(node.name);
      if (!csiNode) return undefined;
      const wanted = volumesOf(pod, true);
      if ('code' in wanted) return wanted;
      const limits = limitsOf(csiNode);
      if (wanted.size === 0 || limits.size === 0) return undefined;
      const counts = attached(node, wanted);
      for (const [driver, limit] of limits) {
        const more = [...wanted.values()].filter((other) => other === driver).length;
        if (more > 0 && (counts.get(driver) ?? 0) + more > limit) return tooMany;
      }
      return undefined;
    },
  };
}

/** By driver. */
function limitsOf({ spec }: CSINode): Map<string, number> {
  return new Map(
    spec.drivers.flatMap(({ name, allocatable }) =>
      allocatable?.count === undefined ? [] : [[name, allocatable.count] as const],
    ),
  );
}

/** A driver without a limit attaches as many as there are. */
function hasGrown(before: CSINode, after: CSINode): boolean {
  const limits = limitsOf(after);
  return [...limitsOf(before)].some(([driver, limit]) => (limits.get(driver) ?? Infinity) > limit);
}

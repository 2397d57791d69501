import type { Node, Pod } from '../../lib/api/gen/types.ts';
import type { KubeObject } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';
import type { Resource } from '../../lib/client/port.ts';
import { namespaces, nodes, pods } from '../../lib/client/resources.ts';
import { assignedPodActions, nodeActions } from './node-events.ts';

/** The scheduler's one key in a work queue: it looks at everything whenever it is woken. */
export const cycleKey = 'cycle';

/** Which changes are worth waking a scheduler for that does not run all the time: those its queue would be told of. */
export const schedulerWakes: { resource: Resource<KubeObject>; wakes: (change: ObjectChange) => boolean }[] =
  [
    { resource: pods, wakes: (change) => podWakes(change as ObjectChange<Pod>) },
    { resource: nodes, wakes: (change) => nodeWakes(change as ObjectChange<Node>) },
    { resource: namespaces, wakes: ({ before, after }) => !before || labelsDiffer(before, after) },
    ...[
      ['', 'persistentvolumes', 'PersistentVolume'],
      ['', 'persistentvolumeclaims', 'PersistentVolumeClaim'],
      ['storage.k8s.io', 'storageclasses', 'StorageClass'],
      ['storage.k8s.io', 'csinodes', 'CSINode'],
      ['storage.k8s.io', 'csidrivers', 'CSIDriver'],
      ['storage.k8s.io', 'csistoragecapacities', 'CSIStorageCapacity'],
      ['storage.k8s.io', 'volumeattachments', 'VolumeAttachment'],
      ['resource.k8s.io', 'resourceclaims', 'ResourceClaim'],
      ['resource.k8s.io', 'resourceslices', 'ResourceSlice'],
      ['resource.k8s.io', 'deviceclasses', 'DeviceClass'],
      ['policy', 'poddisruptionbudgets', 'PodDisruptionBudget'],
    ].map(([group = '', plural = '', kind = '']) => ({
      resource: { group, version: 'v1', plural, kind, namespaced: true },
      wakes: () => true,
    })),
  ];

function podWakes({ before, after }: ObjectChange<Pod>): boolean {
  if (!after) return true;
  if (after.spec.nodeName && before?.spec.nodeName) {
    return isOver(after) !== isOver(before) || assignedPodActions(before, after).length > 0;
  }
  // What waits for a node: new, or changed other than by what the scheduler itself said of it.
  return (
    !before ||
    before.spec.nodeName !== after.spec.nodeName ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    JSON.stringify(before.spec) !== JSON.stringify(after.spec) ||
    labelsDiffer(before, after)
  );
}

function nodeWakes({ before, after }: ObjectChange<Node>): boolean {
  return !before || !after || nodeActions(before, after).length > 0;
}

function labelsDiffer(before: KubeObject, after: KubeObject | undefined): boolean {
  return JSON.stringify(before.metadata.labels) !== JSON.stringify(after?.metadata.labels);
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

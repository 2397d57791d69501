import type { KubeObject } from '../../../lib/api/object.ts';

/** Kinds whose changes can make a pod schedulable. `AssignedPod`: on a node already; `Pod`: the waiting pod itself. */
export type EventResource =
  | 'Pod'
  | 'AssignedPod'
  | 'Node'
  | 'Namespace'
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'StorageClass'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'VolumeAttachment'
  | 'ResourceClaim'
  | 'ResourceSlice'
  | 'DeviceClass';

export type EventAction =
  | 'Add'
  | 'Delete'
  | 'Update'
  | 'UpdateNodeAllocatable'
  | 'UpdateNodeLabel'
  | 'UpdateNodeTaint'
  | 'UpdateNodeCondition'
  | 'UpdatePodLabel'
  | 'UpdatePodScaleDown'
  | 'UpdatePodToleration'
  | 'UpdatePodSchedulingGatesEliminated'
  | 'UpdatePodGeneratedResourceClaim';

/** Something that happened to the cluster, as far as it may matter to waiting pods. */
export interface ClusterEvent {
  readonly resource: EventResource;
  /** One change may be several of these (labels and taints of a node at once). */
  readonly actions: readonly EventAction[];
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

export type QueueingHint = 'Queue' | 'Skip';

import type * as t from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { Informers } from '../../../lib/client/informers.ts';
import type { Indexers, Informer, Lister } from '../../../lib/client/lister.ts';
import type { Resource } from '../../../lib/client/port.ts';
import type { EventResource } from './events.ts';

/** What plugins look up besides nodes, pods and namespaces. */
export interface ClusterObjects {
  readonly claims: Lister<t.PersistentVolumeClaim>;
  /** Index `class`: by the name of the storage class. */
  readonly volumes: Lister<t.PersistentVolume>;
  readonly storageClasses: Lister<t.StorageClass>;
  readonly csiNodes: Lister<t.CSINode>;
  readonly csiDrivers: Lister<t.CSIDriver>;
  readonly storageCapacities: Lister<t.CSIStorageCapacity>;
  /** Index `node`: by the name of the node. */
  readonly volumeAttachments: Lister<t.VolumeAttachment>;
  readonly resourceClaims: Lister<t.ResourceV1ResourceClaim>;
  readonly resourceSlices: Lister<t.ResourceSlice>;
  readonly deviceClasses: Lister<t.DeviceClass>;
  readonly budgets: Lister<t.PodDisruptionBudget>;
  readonly services: Lister<t.Service>;
  readonly replicationControllers: Lister<t.ReplicationController>;
  readonly replicaSets: Lister<t.ReplicaSet>;
  readonly statefulSets: Lister<t.StatefulSet>;
}

interface ClusterKind {
  resource: Resource<KubeObject>;
  /** What the queue calls changes to it; absent for kinds whose changes help no pod. */
  event?: EventResource;
  indexers?: Indexers<KubeObject>;
}

/** What the scheduler reads, and so hears of; on AWS changes to those with an event wake it. */
export const clusterKinds: Readonly<Record<keyof ClusterObjects, ClusterKind>> = {
  claims: kind('', 'persistentvolumeclaims', 'PersistentVolumeClaim', 'PersistentVolumeClaim'),
  volumes: {
    ...kind('', 'persistentvolumes', 'PersistentVolume', 'PersistentVolume', false),
    indexers: { class: (volume) => [(volume as t.PersistentVolume).spec?.storageClassName ?? ''] },
  },
  storageClasses: kind('storage.k8s.io', 'storageclasses', 'StorageClass', 'StorageClass', false),
  csiNodes: kind('storage.k8s.io', 'csinodes', 'CSINode', 'CSINode', false),
  csiDrivers: kind('storage.k8s.io', 'csidrivers', 'CSIDriver', 'CSIDriver', false),
  storageCapacities: kind(
    'storage.k8s.io',
    'csistoragecapacities',
    'CSIStorageCapacity',
    'CSIStorageCapacity',
  ),
  volumeAttachments: {
    ...kind('storage.k8s.io', 'volumeattachments', 'VolumeAttachment', 'VolumeAttachment', false),
    indexers: { node: (attachment) => [(attachment as t.VolumeAttachment).spec.nodeName] },
  },
  resourceClaims: kind('resource.k8s.io', 'resourceclaims', 'ResourceClaim', 'ResourceClaim'),
  resourceSlices: kind('resource.k8s.io', 'resourceslices', 'ResourceSlice', 'ResourceSlice', false),
  deviceClasses: kind('resource.k8s.io', 'deviceclasses', 'DeviceClass', 'DeviceClass', false),
  budgets: kind('policy', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  services: kind('', 'services', 'Service'),
  replicationControllers: kind('', 'replicationcontrollers', 'ReplicationController'),
  replicaSets: kind('apps', 'replicasets', 'ReplicaSet'),
  statefulSets: kind('apps', 'statefulsets', 'StatefulSet'),
};

function kind(
  group: string,
  plural: string,
  name: string,
  event?: EventResource,
  namespaced = true,
): ClusterKind {
  const resource = { group, version: 'v1', plural, kind: name, namespaced };
  return event ? { resource, event } : { resource };
}

export interface WatchedKind {
  readonly event: EventResource | undefined;
  readonly informer: Informer<KubeObject>;
}

export function openClusterObjects(informers: Informers): {
  objects: ClusterObjects;
  watched: readonly WatchedKind[];
} {
  const opened = Object.entries(clusterKinds).map(([name, { resource, event, indexers }]) => ({
    name,
    event,
    informer: informers.informer(resource, { ...(indexers && { indexers }) }),
  }));
  const objects = Object.fromEntries(opened.map(({ name, informer }) => [name, informer]));
  return { objects: objects as unknown as ClusterObjects, watched: opened };
}

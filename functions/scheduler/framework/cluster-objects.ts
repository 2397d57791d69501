import type * as t from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { Informers } from '../../../lib/client/informers.ts';
import type { Indexers, Informer, Lister } from '../../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import type { EventResource } from './events.ts';

/** What plugins look up besides nodes, pods and namespaces. A kind that is not served has no objects. */
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
  readonly replicationControllers: Lister<t.ReplicationController>;
  readonly statefulSets: Lister<t.StatefulSet>;
}

interface Kind {
  resource: Resource<KubeObject>;
  /** What the queue calls changes to it; absent for kinds whose changes help no pod. */
  event?: EventResource;
  indexers?: Indexers<KubeObject>;
}

const kinds: Record<keyof ClusterObjects, Kind> = {
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
  replicationControllers: kind('', 'replicationcontrollers', 'ReplicationController'),
  statefulSets: kind('apps', 'statefulsets', 'StatefulSet'),
};

function kind(group: string, plural: string, name: string, event?: EventResource, namespaced = true): Kind {
  const resource = { group, version: 'v1', plural, kind: name, namespaced };
  return event ? { resource, event } : { resource };
}

export interface WatchedKind {
  readonly event: EventResource | undefined;
  readonly informer: Informer<KubeObject>;
}

/** Asks once what is served: an informer of a kind that is not would never list. */
export async function openClusterObjects(
  client: KubeClient,
  informers: Informers,
): Promise<{ objects: ClusterObjects; watched: readonly WatchedKind[] }> {
  const { resources } = await client.discover();
  const served = new Set(resources.map(({ group, version, plural }) => `${group}/${version}/${plural}`));
  const watched: WatchedKind[] = [];
  const open = ({ resource, event, indexers }: Kind): Lister<KubeObject> => {
    if (!served.has(`${resource.group}/${resource.version}/${resource.plural}`)) return noObjects(resource);
    const informer = informers.informer(resource, { ...(indexers && { indexers }) });
    watched.push({ event, informer });
    return informer;
  };
  const opened = Object.entries(kinds).map(([name, found]) => [name, open(found)] as const);
  return { objects: Object.fromEntries(opened) as unknown as ClusterObjects, watched };
}

function noObjects(resource: Resource<KubeObject>): Lister<KubeObject> {
  return { resource, get: () => undefined, list: () => [], byIndex: () => [] };
}

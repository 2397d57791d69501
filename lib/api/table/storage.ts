import type * as t from '../gen/types.ts';
import {
  age,
  ageColumn,
  column,
  flag,
  integer,
  type KindTable,
  nameColumn,
  nameOf,
  tableOf,
  wide,
} from './kind-table.ts';

const accessModes: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

function shortModes(modes: readonly string[] | undefined): string {
  return accessModes.flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(',');
}

/** The class that an annotation of before the field names. */
function classOf(object: t.PersistentVolume | t.PersistentVolumeClaim): string {
  return (
    object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ??
    object.spec?.storageClassName ??
    ''
  );
}

function withDefault(object: { metadata: t.ObjectMeta }, ...annotations: string[]): string {
  const isDefault = annotations.some((key) => object.metadata.annotations?.[key] === 'true');
  return `${object.metadata.name ?? ''}${isDefault ? ' (default)' : ''}`;
}

/** By `group/Kind`. */
export const storageTables: Readonly<Record<string, KindTable>> = {
  '/PersistentVolume': tableOf<t.PersistentVolume>(
    [
      nameColumn,
      column('Capacity', 'How much the volume holds.'),
      column('Access Modes', 'The ways in which it can be mounted.'),
      column('Reclaim Policy', 'What happens when its claim goes.'),
      column('Status', 'Whether it is available, bound, released or failed.'),
      column('Claim', 'The claim that it is bound to.'),
      column('StorageClass', 'StorageClass of the pv'),
      column('VolumeAttributesClass', 'VolumeAttributesClass of the pv'),
      column('Reason', 'Why it is in its state, in a word.'),
      ageColumn,
      column('VolumeMode', 'Whether it is a file system or a block device.', wide),
    ],
    (object, now) => [
      nameOf(object),
      object.spec?.capacity?.storage ?? '0',
      shortModes(object.spec?.accessModes),
      object.spec?.persistentVolumeReclaimPolicy ?? '',
      object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
      object.spec?.claimRef
        ? `${object.spec.claimRef.namespace ?? ''}/${object.spec.claimRef.name ?? ''}`
        : '',
      classOf(object),
      object.spec?.volumeAttributesClassName ?? '<unset>',
      object.status?.reason ?? '',
      age(object, now),
      object.spec?.volumeMode ?? '<unset>',
    ],
  ),
  '/PersistentVolumeClaim': tableOf<t.PersistentVolumeClaim>(
    [
      nameColumn,
      column('Status', 'Whether it is pending, bound or lost.'),
      column('Volume', 'The volume behind it.'),
      column('Capacity', 'How much its volume holds.'),
      column('Access Modes', 'The ways in which its volume can be mounted.'),
      column('StorageClass', 'StorageClass of the pvc'),
      column('VolumeAttributesClass', 'VolumeAttributesClass of the pvc'),
      ageColumn,
      column('VolumeMode', 'Whether it is a file system or a block device.', wide),
    ],
    (object, now) => {
      const volume = object.spec?.volumeName ?? '';
      return [
        nameOf(object),
        object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
        volume,
        volume ? (object.status?.capacity?.storage ?? '0') : '',
        volume ? shortModes(object.status?.accessModes) : '',
        classOf(object),
        object.spec?.volumeAttributesClassName ?? '<unset>',
        age(object, now),
        object.spec?.volumeMode ?? '<unset>',
      ];
    },
  ),
  'storage.k8s.io/StorageClass': tableOf<t.StorageClass>(
    [
      nameColumn,
      column('Provisioner', 'Who makes its volumes.'),
      column('ReclaimPolicy', 'What happens to a volume when its claim goes.'),
      column('VolumeBindingMode', 'When claims are bound.'),
      column('AllowVolumeExpansion', 'Whether its volumes can grow.'),
      ageColumn,
    ],
    (object, now) => [
      withDefault(
        object,
        'storageclass.kubernetes.io/is-default-class',
        'storageclass.beta.kubernetes.io/is-default-class',
      ),
      object.provisioner,
      object.reclaimPolicy ?? 'Delete',
      object.volumeBindingMode ?? 'Immediate',
      object.allowVolumeExpansion ?? false,
      age(object, now),
    ],
  ),
  'storage.k8s.io/VolumeAttributesClass': tableOf<t.VolumeAttributesClass>(
    [nameColumn, column('DriverName', 'The driver that it is for.'), ageColumn],
    (object, now) => [
      withDefault(object, 'volumeattributesclass.alpha.kubernetes.io/is-default-class'),
      object.driverName,
      age(object, now),
    ],
  ),
  'storage.k8s.io/VolumeAttachment': tableOf<t.VolumeAttachment>(
    [
      nameColumn,
      column('Attacher', 'The driver that attaches it.', { format: 'name' }),
      column('PV', 'The volume.'),
      column('Node', 'The node that it is to be attached to.'),
      column('Attached', 'Whether it is.', flag),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.attacher,
      object.spec.source.persistentVolumeName ?? '',
      object.spec.nodeName,
      object.status?.attached ?? false,
      age(object, now),
    ],
  ),
  'storage.k8s.io/CSINode': tableOf<t.CSINode>(
    [
      nameColumn,
      column('Drivers', 'Drivers indicates the number of CSI drivers registered on the node', integer),
      ageColumn,
    ],
    (object, now) => [nameOf(object), object.spec.drivers.length, age(object, now)],
  ),
  'storage.k8s.io/CSIDriver': tableOf<t.CSIDriver>(
    [
      nameColumn,
      column('AttachRequired', 'Whether volumes are attached before they are mounted.', flag),
      column('PodInfoOnMount', 'Whether the driver is told of the pod.', flag),
      column('StorageCapacity', 'Whether the driver reports capacity.', flag),
      column('TokenRequests', 'The audiences of the tokens that the driver is given.'),
      column('RequiresRepublish', 'Whether the driver is called again and again.', flag),
      column('Modes', 'The life cycles of volumes that it knows.'),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.attachRequired ?? true,
      object.spec.podInfoOnMount ?? false,
      object.spec.storageCapacity ?? false,
      object.spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
      object.spec.requiresRepublish ?? false,
      object.spec.volumeLifecycleModes?.join(',') || '<none>',
      age(object, now),
    ],
  ),
  'storage.k8s.io/CSIStorageCapacity': tableOf<t.CSIStorageCapacity>(
    [
      nameColumn,
      column('StorageClassName', 'The class that it is for.'),
      column('Capacity', 'How much there is.'),
    ],
    (object) => [nameOf(object), object.storageClassName, object.capacity ?? '<unset>'],
  ),
};

/** What an object lets its node reach: the edges of upstream's authorization graph. */
import type {
  Container,
  EphemeralContainer,
  PersistentVolume,
  Pod,
  Volume,
} from '../../../../lib/api/gen/types.ts';

export const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** `secrets/default/tls` */
export function reference(resource: string, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`;
}

/** Everything that the node of a pod may read because of it. Of a mirror pod, which the node makes itself, only the pod. */
export function podUses(pod: Pod): Set<string> {
  const { namespace = '', name = '', annotations } = pod.metadata;
  const uses = new Set([reference('pods', namespace, name)]);
  if (annotations?.[mirrorAnnotation] !== undefined) return uses;
  const add = (resource: string, names: Iterable<string | undefined>) => {
    for (const one of names) if (one) uses.add(reference(resource, namespace, one));
  };
  add('serviceaccounts', [pod.spec.serviceAccountName]);
  add('secrets', secretNames(pod));
  add('configmaps', configMapNames(pod));
  add('persistentvolumeclaims', claimNames(pod));
  add('resourceclaims', resourceClaimNames(pod));
  return uses;
}

export function secretNames({ spec }: Pod): string[] {
  const names = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containersOf(spec).flatMap((container) => [
      ...(container.env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...(container.envFrom ?? []).map(({ secretRef }) => secretRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap(volumeSecrets),
  ];
  return names.filter((name) => name !== undefined && name !== '') as string[];
}

function volumeSecrets(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
  ];
}

export function configMapNames({ spec }: Pod): string[] {
  const names = [
    ...containersOf(spec).flatMap((container) => [
      ...(container.env ?? []).map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...(container.envFrom ?? []).map(({ configMapRef }) => configMapRef?.name),
    ]),
    ...(spec.volumes ?? []).flatMap((volume) => [
      volume.configMap?.name,
      ...(volume.projected?.sources ?? []).map(({ configMap }) => configMap?.name),
    ]),
  ];
  return names.filter((name) => name !== undefined && name !== '') as string[];
}

/** A claim of a generic ephemeral volume has the names of its pod and volume. */
function claimNames({ metadata, spec }: Pod): (string | undefined)[] {
  return (spec.volumes ?? []).map(
    ({ name, persistentVolumeClaim, ephemeral }) =>
      persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined),
  );
}

function resourceClaimNames({ spec, status }: Pod): (string | undefined)[] {
  return [
    ...(spec.resourceClaims ?? []).map(({ resourceClaimName }) => resourceClaimName),
    ...(status?.resourceClaimStatuses ?? []).map(({ resourceClaimName }) => resourceClaimName),
    status?.extendedResourceClaimStatus?.resourceClaimName,
  ];
}

function containersOf(spec: Pod['spec']): (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** Secrets that a node needs to mount a volume; those that only the volume's controller uses are not among them. */
export function volumeUses({ spec }: PersistentVolume): Set<string> {
  const home = spec.claimRef?.namespace ?? '';
  const uses = new Set<string>();
  const add = (ref: { name?: string; namespace?: string } | undefined) => {
    const namespace = ref?.namespace || home;
    if (ref?.name && namespace) uses.add(reference('secrets', namespace, ref.name));
  };
  const { azureFile, csi } = spec;
  if (azureFile) add({ name: azureFile.secretName, namespace: azureFile.secretNamespace });
  for (const source of [spec.cephfs, spec.cinder, spec.flexVolume, spec.rbd, spec.scaleIO, spec.iscsi]) {
    add(source?.secretRef);
  }
  add(spec.storageos?.secretRef);
  for (const ref of [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef]) add(ref);
  return uses;
}

/** What a node may do to pods: make and delete its own mirror pods, tell how its pods are, and evict them. */
import type { Node, OwnerReference, Pod } from '../../../../lib/api/gen/types.ts';
import type { JsonValue } from '../../../../lib/api/object.ts';
import { equalJson } from '../../../../lib/api/patch/index.ts';
import { notFound } from '../../../../lib/api/status.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { configMapNames, mirrorAnnotation, secretNames } from '../../authorization/node/uses.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import { current } from '../common.ts';

/** Why it may not; undefined when it may. */
type Refusal = string | undefined;

export async function admitPod(
  cache: WatchCache,
  node: string,
  attributes: AdmissionAttributes,
): Promise<Refusal> {
  const { operation, subresource } = attributes;
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return admitMirrorPod(cache, node, podOf(attributes.object));
      if (operation === 'DELETE') {
        if (podOf(attributes.oldObject).spec.nodeName === node) return undefined;
        return `node "${node}" can only delete pods with spec.nodeName set to itself`;
      }
      return `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`;
    case 'status':
      return admitStatus(node, podOf(attributes.object), podOf(attributes.oldObject));
    case 'eviction':
      // What an eviction deletes in the end was looked at when it was asked for.
      return operation === 'CREATE' ? admitEviction(cache, node, attributes) : undefined;
    default:
      return `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`;
  }
}

function podOf(object: unknown): Pod {
  return object as Pod;
}

async function admitMirrorPod(cache: WatchCache, node: string, { metadata, spec }: Pod): Promise<Refusal> {
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    return `pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`;
  }
  if (spec.nodeName !== node) return `node "${node}" can only create pods with spec.nodeName set to itself`;
  const refusal = await admitOwner(cache, node, metadata.ownerReferences ?? []);
  if (refusal) return refusal;
  const refers = (what: string) => `node "${node}" can not create pods that reference ${what}`;
  if (spec.serviceAccountName) return refers('a service account');
  const pod = { metadata, spec };
  if (secretNames(pod).length > 0) return refers('secrets');
  if (configMapNames(pod).length > 0) return refers('configmaps');
  const volumes = spec.volumes ?? [];
  if (volumes.some(({ projected }) => projected?.sources?.some((source) => source.clusterTrustBundle))) {
    return refers('clustertrustbundles');
  }
  if (volumes.some(({ projected }) => projected?.sources?.some((source) => source.podCertificate))) {
    return refers('podcertificates');
  }
  if (volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim)) {
    return refers('persistentvolumeclaims');
  }
  return spec.resourceClaims?.length ? refers('resourceclaims') : undefined;
}

async function admitOwner(
  cache: WatchCache,
  node: string,
  owners: readonly OwnerReference[],
): Promise<Refusal> {
  const [owner, ...others] = owners;
  if (others.length > 0) {
    return `node "${node}" can only create pods with a single owner reference set to itself`;
  }
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `node "${node}" can only create pods with an owner reference set to itself`;
  }
  if (!owner.controller) {
    return `node "${node}" can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion) {
    return `node "${node}" must not set blockOwnerDeletion on an owner reference`;
  }
  const found = await current<Node>(cache, 'nodes', node);
  if (!found) throw notFound({ group: '', resource: 'nodes' }, node);
  const { uid = '' } = found.metadata;
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`;
}

function admitStatus(node: string, pod: Pod, old: Pod): Refusal {
  if (old.spec.nodeName !== node) {
    return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (!isSame(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    return `node "${node}" cannot update labels through pod status`;
  }
  const [now, before] = [pod.status ?? {}, old.status ?? {}];
  if (!isSame(now.resourceClaimStatuses ?? [], before.resourceClaimStatuses ?? [])) {
    return `node "${node}" cannot update resource claim statues`;
  }
  if (!isSame(now.extendedResourceClaimStatus ?? {}, before.extendedResourceClaimStatus ?? {})) {
    return `node "${node}" cannot update extended resource claim statues`;
  }
  return undefined;
}

async function admitEviction(
  cache: WatchCache,
  node: string,
  { namespace, name }: AdmissionAttributes,
): Promise<Refusal> {
  const found = await current<Pod>(cache, 'pods', `${namespace}/${name}`);
  if (!found) throw notFound({ group: '', resource: 'pods' }, name);
  const isOwn = found.spec.nodeName === node;
  return isOwn ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`;
}

/** Two values as JSON, where what is absent and what is undefined are the same. */
export function isSame(one: object, other: object): boolean {
  const plain = (value: object) => JSON.parse(JSON.stringify(value)) as JsonValue;
  return equalJson(plain(one), plain(other));
}

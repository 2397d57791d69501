/**
 * NodeRestriction (API reference, "Admission Controllers"): what the Node authorizer cannot see, because it is in the
 * object. A node writes its own Node, Lease, CSINode and slices, and what concerns the pods that run on it.
 */
import type {
  AuthenticationV1TokenRequest,
  Node,
  PersistentVolumeClaim,
  Pod,
  ResourceSlice,
} from '../../../../lib/api/gen/types.ts';
import { forbidden, notFound } from '../../../../lib/api/status.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { nodeNameOf } from '../../authorization/node/identity.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import { forbiddenChanges } from './labels.ts';
import { admitPod, isSame } from './pods.ts';

type Refusal = string | undefined;

const leaseNamespace = 'kube-node-lease';

export function nodeRestriction(cache: WatchCache): AdmissionPlugin {
  const check = async (node: string, attributes: AdmissionAttributes): Promise<Refusal> => {
    switch (attributes.entry.storage) {
      case 'pods':
        return admitPod(cache, node, attributes);
      case 'nodes':
        return admitNode(node, attributes);
      case 'persistentvolumeclaims':
        return admitClaim(node, attributes);
      case 'serviceaccounts':
        return admitToken(cache, node, attributes);
      case 'coordination.k8s.io/leases':
        return admitLease(node, attributes);
      case 'storage.k8s.io/csinodes':
        if (nameOf(attributes) === node) return undefined;
        return 'can only access CSINode with the same name as the requesting node';
      case 'resource.k8s.io/resourceslices':
        return admitSlice(node, attributes);
      default:
        return undefined;
    }
  };
  return {
    name: 'NodeRestriction',
    async mutate(attributes) {
      if (attributes.operation === 'CONNECT') return;
      const { user, entry } = attributes;
      const node = nodeNameOf(user);
      if (node === undefined) return;
      const refusal =
        node === ''
          ? `could not determine node from user ${quote(user.username)}`
          : await check(node, attributes);
      if (refusal !== undefined) throw forbidden(entry.groupResource, nameOf(attributes), refusal);
    },
  };
}

function nameOf({ operation, object, name }: AdmissionAttributes): string {
  return operation === 'CREATE' ? (object?.metadata.name ?? name) : name;
}

function admitNode(node: string, attributes: AdmissionAttributes): Refusal {
  const name = nameOf(attributes);
  if (name !== node) return `node "${node}" is not allowed to modify node "${name}"`;
  const after = attributes.object as unknown as Node | undefined;
  if (attributes.operation === 'CREATE') {
    if (after?.spec?.configSource) {
      return `node "${node}" is not allowed to create pods with a non-nil configSource`;
    }
    const labels = forbiddenChanges(after?.metadata.labels);
    if (labels.length === 0) return undefined;
    return `node "${node}" is not allowed to set the following labels: ${labels.join(', ')}`;
  }
  if (attributes.operation !== 'UPDATE') return undefined;
  const before = attributes.oldObject as unknown as Node | undefined;
  const source = after?.spec?.configSource;
  if (source && !isSame(source, before?.spec?.configSource ?? {})) {
    return `node "${node}" is not allowed to update configSource to a new non-nil configSource`;
  }
  if (!isSame(after?.spec?.taints ?? [], before?.spec?.taints ?? [])) {
    return `node "${node}" is not allowed to modify taints`;
  }
  // An owner that does not exist would have the garbage collector delete the Node, with all that protects it.
  if (!isSame(after?.metadata.ownerReferences ?? [], before?.metadata.ownerReferences ?? [])) {
    return `node "${node}" is not allowed to modify ownerReferences`;
  }
  const labels = forbiddenChanges(after?.metadata.labels, before?.metadata.labels);
  return labels.length === 0 ? undefined : `is not allowed to modify labels: ${labels.join(', ')}`;
}

function admitClaim(node: string, attributes: AdmissionAttributes): Refusal {
  if (attributes.subresource !== 'status') return 'may only update PVC status';
  if (attributes.operation !== 'UPDATE') return `unexpected operation "${attributes.operation}"`;
  const rest = (claim: unknown) => {
    const { metadata, status, ...others } = claim as PersistentVolumeClaim;
    const { resourceVersion: _, managedFields: __, ...kept } = metadata;
    const {
      capacity: _capacity,
      conditions: _conditions,
      allocatedResources: _allocated,
      allocatedResourceStatuses: _statuses,
      ...said
    } = status ?? {};
    return { ...others, metadata: kept, status: said };
  };
  if (isSame(rest(attributes.object), rest(attributes.oldObject))) return undefined;
  return `node "${node}" is not allowed to update fields other than status.capacity and status.conditions`;
}

async function admitToken(
  cache: WatchCache,
  node: string,
  { operation, subresource, object, namespace }: AdmissionAttributes,
): Promise<Refusal> {
  if (operation !== 'CREATE' || subresource !== 'token') return undefined;
  const ref = (object as unknown as AuthenticationV1TokenRequest).spec?.boundObjectRef;
  if (!ref || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) {
    return 'node requested token not bound to a pod';
  }
  if (!ref.uid) return 'node requested token with a pod binding without a uid';
  const found = await cache.get('pods', `${namespace}/${ref.name}`);
  if (!found) throw notFound({ group: '', resource: 'pods' }, ref.name);
  const pod = found.object as unknown as Pod;
  if (ref.uid !== pod.metadata.uid) {
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  if (pod.spec.nodeName === node) return undefined;
  return 'node requested token bound to a pod scheduled on a different node';
}

function admitLease(node: string, attributes: AdmissionAttributes): Refusal {
  if (attributes.namespace !== leaseNamespace) {
    return `can only access leases in the "${leaseNamespace}" system namespace`;
  }
  if (nameOf(attributes) === node) return undefined;
  return 'can only access node lease with the same name as the requesting node';
}

function admitSlice(node: string, { operation, object }: AdmissionAttributes): Refusal {
  if (operation !== 'CREATE') return undefined;
  if ((object as unknown as ResourceSlice).spec.nodeName === node) return undefined;
  return 'can only create ResourceSlice with the same NodeName as the requesting node';
}

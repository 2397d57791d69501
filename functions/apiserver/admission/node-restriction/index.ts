/**
 * NodeRestriction (API reference, "Admission Controllers"): what the Node authorizer cannot see, because it is in the
 * object. A node writes its own Node, Lease, CSINode and slices, and what concerns the pods that run on it.
 */
import type {
  CertificateSigningRequest,
  Node,
  PersistentVolumeClaim,
  ResourceSlice,
} from '../../../../lib/api/gen/types.ts';
import { forbidden } from '../../../../lib/api/status.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { nodeNamePrefix, signers } from '../../../../lib/certificates/signers.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { nodeNameOf } from '../../authorization/node/identity.ts';
import type { Authorizer } from '../../authorization/port.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import { forbiddenChanges } from './labels.ts';
import { admitPodCertificateRequest } from './pod-certificates.ts';
import { admitPod, isSame } from './pods.ts';
import { admitToken } from './tokens.ts';

type Refusal = string | undefined;

const leaseNamespace = 'kube-node-lease';

export function nodeRestriction(cache: WatchCache, authorizer: Authorizer): AdmissionPlugin {
  const check = async (node: string, attributes: AdmissionAttributes): Promise<Refusal> => {
    switch (attributes.entry.storage) {
      case 'pods':
        return admitPod(cache, node, attributes);
      case 'nodes':
        return admitNode(node, attributes);
      case 'persistentvolumeclaims':
        return admitClaim(node, attributes);
      case 'serviceaccounts':
        return admitToken({ cache, authorizer }, node, attributes);
      case 'coordination.k8s.io/leases':
        return admitLease(node, attributes);
      case 'storage.k8s.io/csinodes':
        if (nameOf(attributes) === node) return undefined;
        return 'can only access CSINode with the same name as the requesting node';
      case 'resource.k8s.io/resourceslices':
        return admitSlice(node, attributes);
      case 'certificates.k8s.io/certificatesigningrequests':
        return await admitSigningRequest(node, attributes);
      case 'certificates.k8s.io/podcertificaterequests':
        return admitPodCertificateRequest({ cache, authorizer }, node, attributes);
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

function admitLease(node: string, attributes: AdmissionAttributes): Refusal {
  if (attributes.namespace !== leaseNamespace) {
    return `can only access leases in the "${leaseNamespace}" system namespace`;
  }
  if (nameOf(attributes) === node) return undefined;
  return 'can only access node lease with the same name as the requesting node';
}

/** On a deletion of many each is looked at: the authorizer saw the selector alone. */
function admitSlice(node: string, { operation, object, oldObject }: AdmissionAttributes): Refusal {
  const nodeOf = (slice: unknown) => (slice as ResourceSlice).spec.nodeName;
  if (operation === 'CREATE' && nodeOf(object) !== node) {
    return 'can only create ResourceSlice with the same NodeName as the requesting node';
  }
  if (operation === 'DELETE' && nodeOf(oldObject) !== node) {
    return 'can only delete ResourceSlice with the same NodeName as the requesting node';
  }
  return undefined;
}

/** A node asks for certificates of its own name alone, whoever would approve others. */
async function admitSigningRequest(
  node: string,
  { operation, object }: AdmissionAttributes,
): Promise<Refusal> {
  if (operation !== 'CREATE') return undefined;
  const { spec } = object as unknown as CertificateSigningRequest;
  if (spec.signerName !== signers.kubeletClient && spec.signerName !== signers.kubeletServing)
    return undefined;
  const { commonNameOf } = await import('../../../../lib/certificates/kubelet.ts');
  const { parseSigningRequest } = await import('../../../../lib/certificates/signing-request.ts');
  const own = `${nodeNamePrefix}${node}`;
  try {
    const request = parseSigningRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
    return commonNameOf(request) === own ? undefined : `can only create a node CSR with CN=${own}`;
  } catch (error) {
    return `unable to parse csr: ${messageOf(error)}`;
  }
}

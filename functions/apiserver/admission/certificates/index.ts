/** Who may approve, sign and attest for signers, and what nobody may be given by a certificate. */
import type {
  CertificateSigningRequest,
  ClusterTrustBundle,
  PodCertificateRequest,
} from '../../../../lib/api/gen/types.ts';
import { invalid } from '../../../../lib/api/status.ts';
import { sameValue } from '../../../../lib/api/validate/equal.ts';
import { fieldForbidden } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { Authorizer } from '../../authorization/port.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import { refusal, writtenObject } from '../common.ts';

const group = 'certificates.k8s.io';
const signingRequests = `${group}/certificatesigningrequests`;
const trustBundles = `${group}/clustertrustbundles`;
const podRequests = `${group}/podcertificaterequests`;
const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** The verb `approve` on the signer that the request names. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    types: [signingRequests],
    async validate(attributes) {
      if (!isUpdateOf(attributes, 'approval')) return;
      const { signerName } = (attributes.oldObject as CertificateSigningRequest).spec;
      if (await maySign(authorizer, attributes.user, 'approve', signerName)) return;
      const reason = `user not permitted to approve requests with signerName ${quote(signerName)}`;
      throw refusal(attributes, reason);
    },
  };
}

/** The verb `sign` on the signer that the request names. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    types: [signingRequests],
    async validate(attributes) {
      if (!isUpdateOf(attributes, 'status')) return;
      const old = attributes.oldObject as CertificateSigningRequest;
      const { status = {} } = attributes.object as unknown as CertificateSigningRequest;
      const isSame =
        (status.certificate ?? '') === (old.status?.certificate ?? '') &&
        sameValue(status.conditions, old.status?.conditions);
      if (isSame) return;
      const { signerName } = old.spec;
      if (await maySign(authorizer, attributes.user, 'sign', signerName)) return;
      throw refusal(attributes, `user not permitted to sign requests with signerName ${quote(signerName)}`);
    },
  };
}

/** The verb `attest` on the signer whose anchors a bundle says it holds (KEP-3257). */
export function clusterTrustBundleAttest(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'ClusterTrustBundleAttest',
    types: [trustBundles],
    async validate(attributes) {
      const bundle = writtenObject<ClusterTrustBundle>(attributes, trustBundles);
      const signerName = bundle?.spec.signerName;
      if (!bundle || !signerName || changesOwnersAlone(bundle, attributes.oldObject)) return;
      if (await maySign(authorizer, attributes.user, 'attest', signerName)) return;
      throw refusal(attributes, `user not permitted to attest for signerName ${quote(signerName)}`);
    },
  };
}

/** Garbage collection and storage version migration write bundles whose anchors are not their concern. */
function changesOwnersAlone(bundle: ClusterTrustBundle, old: unknown): boolean {
  if (old === undefined || old === null) return false;
  const rest = ({ metadata, ...others }: ClusterTrustBundle) => {
    const { ownerReferences, finalizers, resourceVersion, managedFields, ...kept } = metadata;
    return { ...others, metadata: kept };
  };
  return sameValue(rest(bundle), rest(old as ClusterTrustBundle));
}

/**
 * Of a pod's certificate as of any other, the verb `sign` on its signer. Upstream checks it with the rules of the kind, which
 * cannot be switched off, and so cannot this.
 */
export function podCertificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'PodCertificateSigning',
    types: [podRequests],
    async validate(attributes) {
      const { entry, user, oldObject } = attributes;
      if (!isUpdateOf(attributes, 'status')) return;
      const { status: before, spec } = oldObject as unknown as PodCertificateRequest;
      const { status: after } = attributes.object as unknown as PodCertificateRequest;
      if ((after?.certificateChain ?? '') === (before?.certificateChain ?? '')) return;
      if (await maySign(authorizer, user, 'sign', spec.signerName)) return;
      const detail = `User ${quote(user.username)} is not permitted to "sign" for signer ${quote(spec.signerName)}`;
      const error = fieldForbidden(Path.of('spec', 'signerName'), detail);
      throw invalid(entry.definition, attributes.name, [error]);
    },
  };
}

/** The group that may do everything is given out by whoever holds the authority's key, and by nobody else. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  types: [signingRequests],
  async validate(attributes) {
    const { operation, subresource, object } = attributes;
    if (operation !== 'CREATE' || subresource !== '') return;
    const { spec } = object as unknown as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    // Loaded by now: the object has been validated with it.
    const { parseSigningRequest, subjectOf } = await import(
      '../../../../lib/certificates/signing-request.ts'
    );
    const request = parseSigningRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
    if (!subjectOf(request).organizations.includes('system:masters')) return;
    throw refusal(attributes, `use of ${clientSigner} signer with system:masters group is not allowed`);
  },
};

function isUpdateOf({ operation, subresource }: AdmissionAttributes, wanted: string): boolean {
  return operation === 'UPDATE' && subresource === wanted;
}

/** On the signer by its name, or on all signers of its domain. */
async function maySign(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  signerName: string,
): Promise<boolean> {
  const domain = signerName.split('/', 1)[0] ?? '';
  for (const name of [signerName, `${domain}/*`]) {
    const { decision } = await authorizer.authorize({
      user,
      verb,
      name,
      isResourceRequest: true,
      path: '',
      apiGroup: group,
      apiVersion: '*',
      namespace: '',
      resource: 'signers',
      subresource: '',
    });
    if (decision === 'allow') return true;
  }
  return false;
}

/** Who may approve and who may sign certificate signing requests, and what nobody may be given by one. */
import type { CertificateSigningRequest } from '../../../../lib/api/gen/types.ts';
import { sameValue } from '../../../../lib/api/validate/equal.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { Authorizer } from '../../authorization/port.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import { refusal } from '../common.ts';

const group = 'certificates.k8s.io';
const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** The verb `approve` on the signer that the request names. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
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

/** The group that may do everything is given out by whoever holds the authority's key, and by nobody else. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  async validate(attributes) {
    const { entry, operation, subresource, object } = attributes;
    if (operation !== 'CREATE' || subresource !== '' || !isSigningRequest(entry.definition)) return;
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

function isSigningRequest(definition: { group: string; kind: string }): boolean {
  return definition.group === group && definition.kind === 'CertificateSigningRequest';
}

function isUpdateOf({ entry, operation, subresource }: AdmissionAttributes, wanted: string): boolean {
  return operation === 'UPDATE' && subresource === wanted && isSigningRequest(entry.definition);
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

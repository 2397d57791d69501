/** What the controllers of CertificateSigningRequests have in common. */
import type { Pkcs10CertificateRequest } from '@peculiar/x509';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../../lib/api/gen/types.ts';

export function conditionOf(
  request: CertificateSigningRequest,
  type: 'Approved' | 'Denied' | 'Failed',
): CertificateSigningRequestCondition | undefined {
  return request.status?.conditions?.find((one) => one.type === type && one.status === 'True');
}

/**
 * What reads certificates is loaded with the first of them.
 * @throws Error that names the object: the server lets none in that is not one
 */
export async function parsedRequest({
  metadata,
  spec,
}: CertificateSigningRequest): Promise<Pkcs10CertificateRequest> {
  const { parseSigningRequest } = await import('../../../lib/certificates/signing-request.ts');
  try {
    return parseSigningRequest(Buffer.from(spec.request, 'base64').toString('latin1'));
  } catch (error) {
    throw new Error(`unable to parse csr ${JSON.stringify(metadata.name)}`, { cause: error });
  }
}

/** The request with one more condition. */
export function withCondition(
  request: CertificateSigningRequest,
  condition: CertificateSigningRequestCondition,
): CertificateSigningRequest {
  const conditions = [...(request.status?.conditions ?? []), condition];
  return { ...request, status: { ...request.status, conditions } };
}

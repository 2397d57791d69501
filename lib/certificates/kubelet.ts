/** What a request must look like for a signer of kubernetes.io to sign it ("Certificates and CSRs", Kubernetes signers). */
import type { Pkcs10CertificateRequest } from '@peculiar/x509';
import { namesOf } from './sign.ts';
import { nodeNamePrefix, nodesGroup, signers } from './signers.ts';
import { subjectOf } from './signing-request.ts';

export function commonNameOf(request: Pkcs10CertificateRequest): string {
  return subjectOf(request).commonName;
}

/** What is wrong with it, in upstream's words; undefined for a request that the signer signs. */
export function problemFor(
  signerName: string,
  request: Pkcs10CertificateRequest,
  usages: readonly string[],
): string | undefined {
  switch (signerName) {
    case signers.kubeletClient:
      return kubeletClientProblem(request, usages);
    case signers.kubeletServing:
      return kubeletServingProblem(request, usages);
    case signers.apiServerClient:
      return clientUsagesProblem(usages);
    default:
      return undefined;
  }
}

function kubeletClientProblem(request: Pkcs10CertificateRequest, usages: readonly string[]) {
  const has = hasNames(request);
  if (!isOfNodes(request)) return 'subject organization is not system:nodes';
  if (has('dns')) return 'DNS subjectAltNames are not allowed';
  if (has('email')) return 'Email subjectAltNames are not allowed';
  if (has('ip')) return 'IP subjectAltNames are not allowed';
  if (has('url')) return 'URI subjectAltNames are not allowed';
  return commonNameProblem(request) ?? usagesProblem(usages, 'client auth');
}

function kubeletServingProblem(request: Pkcs10CertificateRequest, usages: readonly string[]) {
  const has = hasNames(request);
  if (!isOfNodes(request)) return 'subject organization is not system:nodes';
  if (!has('dns') && !has('ip')) return 'DNS or IP subjectAltName is required';
  if (has('email')) return 'Email subjectAltNames are not allowed';
  if (has('url')) return 'URI subjectAltNames are not allowed';
  return usagesProblem(usages, 'server auth') ?? commonNameProblem(request);
}

function clientUsagesProblem(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = usages.find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth')
    ? undefined
    : 'missing required usage for client certificate: client auth';
}

/** Keys other than RSA encipher nothing. */
function usagesProblem(usages: readonly string[], purpose: string): string | undefined {
  const found = usages.filter((usage) => usage !== 'key encipherment').sort();
  const wanted = ['digital signature', purpose].sort();
  if (found.length === wanted.length && found.every((usage, index) => usage === wanted[index]))
    return undefined;
  return `usages did not match [${['digital signature', 'key encipherment', purpose].sort().join(' ')}]`;
}

function commonNameProblem(request: Pkcs10CertificateRequest): string | undefined {
  return commonNameOf(request).startsWith(nodeNamePrefix)
    ? undefined
    : 'subject common name does not begin with system:node: ';
}

function isOfNodes(request: Pkcs10CertificateRequest): boolean {
  const { organizations } = subjectOf(request);
  return organizations.length === 1 && organizations[0] === nodesGroup;
}

function hasNames(request: Pkcs10CertificateRequest): (type: string) => boolean {
  const names = namesOf(request);
  return (type) => names.some((name) => name.type === type);
}

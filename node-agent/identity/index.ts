/** Who a node is: the certificates that it keeps below its state directory, and what it asks for. */
import { join } from 'node:path';
import { nodeNamePrefix, nodesGroup, signers } from '../../lib/certificates/signers.ts';
import { type CertificateFile, openCertificateFile } from './certificate-file.ts';
import type { Wanted } from './ask.ts';

export { askForCertificate } from './ask.ts';
export { type CertificateFile, readIfThere, replaceFile } from './certificate-file.ts';
export { keepCertificate } from './rotate.ts';

/** The certificate that the node shows to the API server. */
export function clientCertificateFile(stateDir: string): CertificateFile {
  return openCertificateFile(join(stateDir, 'pki', 'client.pem'));
}

/** The certificate that the node shows to those who call it. */
export function servingCertificateFile(stateDir: string): CertificateFile {
  return openCertificateFile(join(stateDir, 'pki', 'serving.pem'));
}

export function clientCertificateOf(nodeName: string): Wanted {
  return { signerName: signers.kubeletClient, subject: subjectOf(nodeName), usage: 'client auth' };
}

export function servingCertificateOf(nodeName: string, ipAddresses: readonly string[]): Wanted {
  return {
    signerName: signers.kubeletServing,
    subject: subjectOf(nodeName),
    usage: 'server auth',
    dnsNames: [nodeName],
    ipAddresses,
  };
}

function subjectOf(nodeName: string) {
  return { commonName: `${nodeNamePrefix}${nodeName}`, organizations: [nodesGroup] };
}

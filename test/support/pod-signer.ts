/** A signer of pods' certificates, as a user of the cluster would run one (KEP-4317). */
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { PodCertificateRequest, PodCertificateRequestStatus } from '../../lib/api/gen/types.ts';
import {
  type CertifiedKey,
  importSigningKey,
  pem,
  serialNumber,
  signingAlgorithm,
} from '../../lib/certificates/index.ts';
import { readSigningRequest } from '../../lib/certificates/signing-request.ts';

export interface Issue {
  names: JsonGeneralNames;
  lifeSeconds: number;
  /** How long after its start the certificate is to be asked for anew. */
  refreshAfterSeconds?: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The status that answers a request with a certificate for its key. */
export async function issuedFor(
  ca: CertifiedKey,
  { spec }: PodCertificateRequest,
  { names, lifeSeconds, refreshAfterSeconds = lifeSeconds / 2, now }: Issue,
): Promise<PodCertificateRequestStatus> {
  const { publicKey } = readSigningRequest(Buffer.from(spec.stubPKCS10Request, 'base64'));
  const issuer = new X509Certificate(ca.certificate);
  const fromMs = Math.trunc(now / 1000) * 1000;
  const at = (seconds: number) => new Date(fromMs + seconds * 1000);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: issuer.subject,
    notBefore: at(0),
    notAfter: at(lifeSeconds),
    publicKey,
    signingKey: await importSigningKey(ca.key),
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
      await AuthorityKeyIdentifierExtension.create(issuer),
      new SubjectAlternativeNameExtension(names, true),
    ],
  });
  const time = (date: Date) => date.toISOString().replace('.000Z', 'Z');
  return {
    certificateChain: pem(certificate),
    notBefore: time(at(0)),
    notAfter: time(at(lifeSeconds)),
    beginRefreshAt: time(at(refreshAfterSeconds)),
    conditions: [
      {
        type: 'Issued',
        status: 'True',
        reason: 'Signed',
        message: 'by a test',
        lastTransitionTime: time(at(0)),
      },
    ],
  };
}

/** The status that answers a request with a no. When that was is said by the API server, as for clients in Go. */
export function refusedWith(type: 'Denied' | 'Failed', reason: string, message: string): object {
  return { conditions: [{ type, status: 'True', reason, message, lastTransitionTime: null }] };
}

/** Signing of certificate signing requests by the cluster's authority, as kube-controller-manager does it. */
import './reflect.ts';
import { createHash } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import {
  type CertifiedKey,
  distinguishedName,
  importSigningKey,
  pem,
  serialNumber,
  signingAlgorithm,
} from './index.ts';
import { subjectOf } from './signing-request.ts';

export interface SigningPolicy {
  /** `spec.usages` of the request. */
  usages: readonly string[];
  /** How long the certificate is good, by what its holder asked for and what is given at most. */
  validityMs: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Clocks differ: a certificate is good from a little before it was made. */
const backdateMs = 5 * 60_000;
/** Below it that little is not taken from its end. */
const shortMs = 8 * 60 * 60_000;
const minValidityMs = 10 * 60_000;

/** @param expirationSeconds of the request: honoured from ten minutes up to `mostMs` */
export function validityOf(expirationSeconds: number | undefined, mostMs: number): number {
  if (expirationSeconds === undefined) return mostMs;
  return Math.min(mostMs, Math.max(minValidityMs, expirationSeconds * 1_000));
}

/**
 * A certificate with the request's subject, key and names, and no extension of its wishes but these; PEM.
 * @throws Error for a usage that X.509 does not know, and when the authority's own certificate has ended
 */
export async function signRequest(
  ca: CertifiedKey,
  request: Pkcs10CertificateRequest,
  { usages, validityMs, now }: SigningPolicy,
): Promise<string> {
  const issuer = new X509Certificate(ca.certificate);
  const caEndsMs = issuer.notAfter.getTime();
  if (now > caEndsMs) throw new Error(`the signer has expired: NotAfter=${issuer.notAfter.toISOString()}`);
  const endsMs = now + validityMs - (validityMs < shortMs ? 0 : backdateMs);
  const unknown = usages.find((usage) => !(usage in keyUsages) && !(usage in extendedKeyUsages));
  if (unknown !== undefined) throw new Error(`unrecognized key usage ${JSON.stringify(unknown)}`);
  const flags = usages.reduce((all, usage) => all | (keyUsages[usage] ?? 0), 0);
  const extended = usages.flatMap((usage) => extendedKeyUsages[usage] ?? []);
  const names = namesOf(request);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    ...(flags === 0 ? [] : [new KeyUsagesExtension(flags, true)]),
    ...(extended.length === 0 ? [] : [new ExtendedKeyUsageExtension([...new Set(extended)])]),
    await AuthorityKeyIdentifierExtension.create(issuer),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
  ];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: distinguishedName(subjectOf(request)),
    issuer: issuer.subjectName,
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(Math.min(endsMs, caEndsMs)),
    publicKey: request.publicKey,
    signingKey: await importSigningKey(ca.key),
    signingAlgorithm,
    extensions,
  });
  return pem(certificate);
}

/** The names of a request that a certificate may carry: the others are of no use to Kubernetes. */
export function namesOf(request: Pkcs10CertificateRequest): { type: NameType; value: string }[] {
  const found = request.extensions.filter((one) => one instanceof SubjectAlternativeNameExtension);
  const names = found.flatMap((extension) => extension.names.toJSON());
  return names.flatMap(({ type, value }) =>
    nameTypes.some((one) => one === type) ? [{ type: type as NameType, value }] : [],
  );
}

const nameTypes = ['dns', 'email', 'ip', 'url'] as const;
type NameType = (typeof nameTypes)[number];

/** SHA-256 of an authority's public key, as `kubeadm join --discovery-token-ca-cert-hash` takes it: `sha256:<hex>`. */
export function publicKeyHash(certificate: string): string {
  const key = Buffer.from(new X509Certificate(certificate).publicKey.rawData);
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/** `certificates.k8s.io/v1 KeyUsage` in the terms of RFC 5280, 4.2.1.3. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: KeyUsageFlags.digitalSignature,
  'digital signature': KeyUsageFlags.digitalSignature,
  'content commitment': KeyUsageFlags.nonRepudiation,
  'key encipherment': KeyUsageFlags.keyEncipherment,
  'key agreement': KeyUsageFlags.keyAgreement,
  'data encipherment': KeyUsageFlags.dataEncipherment,
  'cert sign': KeyUsageFlags.keyCertSign,
  'crl sign': KeyUsageFlags.cRLSign,
  'encipher only': KeyUsageFlags.encipherOnly,
  'decipher only': KeyUsageFlags.decipherOnly,
};

/** The same, of 4.2.1.12 and older vendors' lists. */
const extendedKeyUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

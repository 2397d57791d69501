/**
 * The cluster's own certificate authority: X.509 certificates with P-256 keys, as PEM. Organizations become the
 * user's groups and the common name its name, as everywhere in Kubernetes.
 */
import './reflect.ts';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonAttributeObject,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its PKCS#8 private key, both PEM. */
export interface CertifiedKey {
  certificate: string;
  key: string;
}

export interface Subject {
  commonName: string;
  organizations?: readonly string[];
  /** Of other attributes, by their name or object identifier: they say nothing about who a user is. */
  others?: Readonly<Record<string, readonly string[]>>;
}

export interface CertificateRequest {
  subject: Subject;
  usages: readonly ('client' | 'server')[];
  /** DNS names and IP addresses that a server certificate is good for. */
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
  validityDays: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Of the authority's key. */
export const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 60 * 60 * 1000;
/** Clocks differ; a certificate is good from a little before it was made. */
const skewMs = 5 * 60 * 1000;

export async function createCa(options: {
  commonName: string;
  validityDays: number;
  now: number;
}): Promise<CertifiedKey> {
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: distinguishedName({ commonName: options.commonName }),
    ...validity(options),
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/** A new key and a certificate for it, signed by `ca`. */
export async function issueCertificate(ca: CertifiedKey, request: CertificateRequest): Promise<CertifiedKey> {
  const issuer = new X509Certificate(ca.certificate);
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const names: JsonGeneralNames = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: distinguishedName(request.subject),
    issuer: issuer.subjectName,
    ...validity(request),
    publicKey: keys.publicKey,
    signingKey: await importSigningKey(ca.key),
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(
        request.usages.map((usage) =>
          usage === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth,
        ),
      ),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/** A P-256 key for signing service account tokens, PKCS#8 PEM. */
export async function createSigningKey(): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  return await exportKey(keys.privateKey);
}

/** Whether the certificate is about this subject and no other. */
export function isAbout(certificate: string, subject: Subject): boolean {
  const found = new X509Certificate(certificate).subjectName;
  const same = (held: readonly string[], wanted: readonly string[]) =>
    held.length === wanted.length && wanted.every((one) => held.includes(one));
  return (
    same(found.getField('CN'), [subject.commonName]) && same(found.getField('O'), subject.organizations ?? [])
  );
}

/** When the certificate stops being valid, in milliseconds since the epoch. */
export function expiryOf(certificate: string): number {
  return new X509Certificate(certificate).notAfter.getTime();
}

/** Whether the certificate names every one of the addresses and DNS names. */
export function covers(
  certificate: string,
  wanted: { dnsNames: readonly string[]; ipAddresses: readonly string[] },
): boolean {
  const names =
    new X509Certificate(certificate).getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const has = (type: string, value: string) =>
    names.some((name) => name.type === type && name.value === value);
  return wanted.dnsNames.every((name) => has('dns', name)) && wanted.ipAddresses.every((ip) => has('ip', ip));
}

function validity(options: { validityDays: number; now: number }): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(options.now - skewMs),
    notAfter: new Date(options.now + options.validityDays * dayMs),
  };
}

export function distinguishedName({ commonName, organizations = [], others = {} }: Subject): Name {
  const all = [...Object.entries(others), ['O', organizations] as const, ['CN', [commonName]] as const];
  return new Name(all.flatMap(([type, values]) => values.map((value) => ({ [type]: [typed(value)] }))));
}

const printable = /^[A-Za-z0-9 '()+,./:=?-]*$/;

/** With its type: a bare text would be read for escapes and quotes, and name somebody else. */
function typed(value: string): JsonAttributeObject {
  return printable.test(value) ? { printableString: value } : { utf8String: value };
}

/** 127 random bits; the leading bit stays clear so that the number is positive (RFC 5280, 4.1.2.2). */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY').trim()}\n`;
}

export async function importSigningKey(key: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(key);
  if (!der) throw new Error('the CA key is not PEM');
  return await webcrypto.subtle.importKey('pkcs8', der, signingAlgorithm, false, ['sign']);
}

/** What a client makes to be given a certificate: a request (PKCS#10, RFC 2986) for its own P-256 key. */
import './reflect.ts';
import { createHash, createPublicKey, webcrypto } from 'node:crypto';
import {
  type JsonGeneralNames,
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import { distinguishedName, importSigningKey, signingAlgorithm, type Subject } from './index.ts';

export interface RequestedNames {
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
}

/** @param key PKCS#8 PEM of a P-256 key @returns PEM */
export async function createRequest(
  key: string,
  subject: Subject,
  { dnsNames = [], ipAddresses = [] }: RequestedNames = {},
): Promise<string> {
  const publicKey = await webcrypto.subtle.importKey('spki', publicKeyOf(key), signingAlgorithm, true, [
    'verify',
  ]);
  const names: JsonGeneralNames = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: distinguishedName(subject),
    keys: { privateKey: await importSigningKey(key), publicKey },
    signingAlgorithm,
    ...(names.length > 0 && { extensions: [new SubjectAlternativeNameExtension(names)] }),
  });
  return `${PemConverter.encode(request.rawData, 'CERTIFICATE REQUEST').trim()}\n`;
}

/** SHA-256 of the public half of a private key, in hex. */
export function keyDigest(key: string): string {
  return createHash('sha256').update(publicKeyOf(key)).digest('hex');
}

function publicKeyOf(key: string): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

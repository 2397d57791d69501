/** Keys for pods, and the requests that prove who has them (KEP-4317, `spec.stubPKCS10Request`). */
import './reflect.ts';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { exportKey } from './index.ts';

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength,
});

/** By `keyType` of a pod's projection. Elliptic keys sign with the hash of their strength. */
const algorithms = {
  RSA3072: rsa(3072),
  RSA4096: rsa(4096),
  ECDSAP256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ECDSAP384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ECDSAP521: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  ED25519: { name: 'Ed25519' },
} as const;

export type PodKeyType = keyof typeof algorithms;

export interface RequestedKey {
  /** PKCS#8 PEM */
  key: string;
  /** PKCS#10, DER; signed with the key, and empty otherwise: signers know better than a node what a pod is called. */
  request: Buffer;
}

/** A new key. RSA keys take a second or more, off the event loop. @throws Error for a type that there is not */
export async function createPodKey(keyType: string): Promise<RequestedKey> {
  if (!Object.hasOwn(algorithms, keyType)) throw new Error(`unknown key type ${JSON.stringify(keyType)}`);
  const algorithm = algorithms[keyType as PodKeyType];
  // Of each of these algorithms it makes a pair.
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  return { key: await exportKey(keys.privateKey), request: Buffer.from(request.rawData) };
}

import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { exportJWK, type JWK } from 'jose';

export type SigningAlgorithm = 'ES256' | 'RS256';

/** What checks the tokens that one private key signs. */
export interface VerificationKey {
  /** As upstream derives it: the hash of the public key's DER. */
  id: string;
  /** The only algorithm that the key is used with, whatever a token says. */
  algorithm: SigningAlgorithm;
  publicKey: KeyObject;
}

/** `key`: PEM of a public key, or of a private one whose public part is meant. @throws Error for any other kind of key */
export function verificationKey(key: string | KeyObject): VerificationKey {
  const publicKey = createPublicKey(key as string);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { id: hash('sha256', der, 'base64url'), algorithm: algorithmOf(publicKey), publicKey };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SigningAlgorithm {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  if (asymmetricKeyType === 'rsa' && modulusLength >= 2048) return 'RS256';
  throw new Error('a key of service account tokens must be P-256, or RSA of 2048 bits or more');
}

/** For `/openid/v1/jwks`: the public part alone. */
export async function publicJwk({ id, algorithm, publicKey }: VerificationKey): Promise<JWK> {
  return { use: 'sig', kid: id, alg: algorithm, ...(await exportJWK(publicKey)) };
}

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { beginsWith, type Transformer } from './transformer.ts';

const nonceBytes = 12;
const tagBytes = 16;

/** AES-GCM under a random nonce: nonce, ciphertext, tag. `key` has 16, 24 or 32 bytes. */
export function sealAesGcm(key: Uint8Array, body: Uint8Array, context: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithmFor(key), key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(context);
  return Buffer.concat([nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error when it was not sealed with this key for this context */
export function openAesGcm(key: Uint8Array, sealed: Uint8Array, context: Uint8Array): Uint8Array {
  if (sealed.length < nonceBytes + tagBytes) throw new Error('the stored data was too short');
  const decipher = createDecipheriv(algorithmFor(key), key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const start = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
  return Buffer.concat([start, decipher.final()]);
}

/** `aesgcm` of EncryptionConfiguration, with one of its keys; the stored form is kube-apiserver's. */
export function aesGcm(key: { name: string; secret: Uint8Array }): Transformer {
  const prefix = `k8s:enc:aesgcm:v1:${key.name}:`;
  const head = Buffer.from(prefix);
  return {
    prefix,
    seal: (body, context) => Buffer.concat([head, sealAesGcm(key.secret, body, context)]),
    open(sealed, context) {
      if (!beginsWith(sealed, prefix)) throw new Error(`it was not sealed with the key ${key.name}`);
      return { body: openAesGcm(key.secret, sealed.subarray(head.length), context), stale: false };
    },
  };
}

function algorithmFor(key: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  switch (key.length) {
    case 16:
      return 'aes-128-gcm';
    case 24:
      return 'aes-192-gcm';
    case 32:
      return 'aes-256-gcm';
    default:
      throw new RangeError('a key of AES has 16, 24 or 32 bytes');
  }
}

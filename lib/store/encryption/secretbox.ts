import { randomBytes } from 'node:crypto';
import { secretbox as box } from '@noble/ciphers/salsa.js';
import { beginsWith, type Transformer } from './transformer.ts';

const nonceBytes = 24;

/**
 * `secretbox` of EncryptionConfiguration (XSalsa20 and Poly1305, which node:crypto lacks), with one of its keys of 32
 * bytes; the stored form is kube-apiserver's. It binds a body to its key only, not to its object.
 */
export function secretbox(key: { name: string; secret: Uint8Array }): Transformer {
  const prefix = `k8s:enc:secretbox:v1:${key.name}:`;
  const head = Buffer.from(prefix);
  // The library looks at the very type.
  const secret = Uint8Array.from(key.secret);
  return {
    prefix,
    seal(body) {
      const nonce = Uint8Array.from(randomBytes(nonceBytes));
      return Buffer.concat([head, nonce, box(secret, nonce).seal(Uint8Array.from(body))]);
    },
    open(sealed) {
      if (!beginsWith(sealed, prefix)) throw new Error(`it was not sealed with the key ${key.name}`);
      const data = Uint8Array.from(sealed.subarray(head.length));
      if (data.length < nonceBytes) throw new Error('the stored data was too short');
      const body = box(secret, data.subarray(0, nonceBytes)).open(data.subarray(nonceBytes));
      return { body, stale: false };
    },
  };
}

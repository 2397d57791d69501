import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import type { KeyService } from './kms.ts';

/** Bound to all that is wrapped: the key's policy may demand it (`kms:EncryptionContext:kumulus.io/use`). */
const EncryptionContext = { 'kumulus.io/use': 'store-encryption' };

/**
 * AWS KMS as a key service: `kms:Encrypt` and `kms:Decrypt` of one symmetric key.
 * @param keyId its id, ARN or alias; what was wrapped with a key that an alias meant before is unwrapped with that one
 */
export function awsKms(client: Pick<KMSClient, 'send'>, keyId: string): KeyService {
  return {
    async wrap(secret, abortSignal) {
      const command = new EncryptCommand({ KeyId: keyId, Plaintext: secret, EncryptionContext });
      const { CiphertextBlob, KeyId } = await client.send(command, { abortSignal });
      if (!CiphertextBlob || !KeyId) throw new Error('Encrypt of AWS KMS gave no ciphertext');
      return { wrapped: CiphertextBlob, keyId: KeyId };
    },
    async unwrap(wrapped, wrappedWith, abortSignal) {
      const command = new DecryptCommand({
        KeyId: wrappedWith,
        CiphertextBlob: wrapped,
        EncryptionContext,
      });
      const { Plaintext } = await client.send(command, { abortSignal });
      if (!Plaintext) throw new Error('Decrypt of AWS KMS gave no plaintext');
      return Plaintext;
    },
  };
}

import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import type { ExternalSigner } from '../../lib/tokens/index.ts';

/** Bytes of each of the two numbers of a signature of P-256. */
const numberBytes = 32;

/**
 * Service account tokens signed by a key of AWS KMS (ECC_NIST_P256, SIGN_VERIFY), which nobody can take out of there.
 * @throws Error where the key is none of that kind
 */
export async function kmsSigner(kms: KMSClient, keyId: string): Promise<ExternalSigner> {
  const { PublicKey: der, KeySpec: spec } = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }));
  if (!der || spec !== 'ECC_NIST_P256')
    throw new Error(`${keyId}: Invalid value: ${spec}: must be ECC_NIST_P256`);
  const publicKey = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    async sign(data) {
      const { Signature: signature } = await kms.send(
        new SignCommand({
          KeyId: keyId,
          Message: data,
          // A message of more than 4096 bytes has to be hashed before; tokens are shorter.
          MessageType: 'RAW',
          SigningAlgorithm: 'ECDSA_SHA_256',
        }),
      );
      if (!signature) throw new Error('AWS KMS gave no signature');
      return fixedLength(signature);
    },
  };
}

/** From `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3) to both numbers in their full length. */
function fixedLength(der: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * numberBytes);
  // Sequences of these sizes have a length of one byte.
  let at = 2;
  for (const end of [numberBytes, 2 * numberBytes]) {
    const length = der[at + 1] ?? 0;
    const bytes = der.subarray(at + 2, at + 2 + length);
    // Positive numbers whose first bit is set have a zero before them.
    const number = bytes.length > numberBytes ? bytes.subarray(bytes.length - numberBytes) : bytes;
    out.set(number, end - number.length);
    at += 2 + length;
  }
  return out;
}

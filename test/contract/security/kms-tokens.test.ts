/** Service account tokens that a key of AWS KMS signs, on MiniStack. */
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kmsSigner } from '../../../functions/lambda/token-signer.ts';
import { createSigningKey } from '../../../lib/certificates/index.ts';
import { createTokenIssuer } from '../../../lib/tokens/index.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';

let emulator: MiniStack;
let kms: KMSClient;

beforeAll(async () => {
  emulator = await startMiniStack({ services: ['kms'] });
  kms = new KMSClient({
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}, 300_000);
afterAll(async () => {
  kms.destroy();
  await emulator.stop();
});

const issuer = 'https://issuer.example/api';
const subject = { namespace: 'shop', serviceAccount: { name: 'web', uid: 'u1' } };
const wanted = { audiences: ['sts.amazonaws.com'], expirationSeconds: 600 };

async function createKey(spec: 'ECC_NIST_P256' | 'ECC_NIST_P384'): Promise<string> {
  const { KeyMetadata: made } = await kms.send(
    new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }),
  );
  return made?.KeyId ?? '';
}

test('are good for whoever reads the published keys, as IAM does', async () => {
  const signingKey = await kmsSigner(kms, await createKey('ECC_NIST_P256'));
  const own = await createSigningKey();
  const tokens = createTokenIssuer({ issuer, signingKey, verificationKeys: [own], now: Date.now });
  // Numbers of a signature are shorter now and then: enough of them that every length comes.
  for (let round = 0; round < 24; round++) {
    const { token } = await tokens.issue(subject, wanted);
    const keys = createLocalJWKSet(await tokens.keys());
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      audience: 'sts.amazonaws.com',
    });
    expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: expect.any(String) });
    expect(payload.sub).toBe('system:serviceaccount:shop:web');
    expect(await tokens.verify(token, ['sts.amazonaws.com'])).toMatchObject(subject);
  }
  // Those from before the key stay good.
  const before = createTokenIssuer({ issuer, signingKey: own, now: Date.now });
  const { token } = await before.issue(subject, wanted);
  expect(await tokens.verify(token, ['sts.amazonaws.com'])).toMatchObject(subject);
  const { token: fresh } = await tokens.issue(subject, wanted);
  await expect(before.verify(fresh, ['sts.amazonaws.com'])).rejects.toThrow('Unauthorized');
});

test('need a key of P-256', async () => {
  await expect(kmsSigner(kms, await createKey('ECC_NIST_P384'))).rejects.toThrow('must be ECC_NIST_P256');
});

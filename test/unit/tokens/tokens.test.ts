import { expect, test } from 'vitest';
import { createSigningKey } from '../../../lib/certificates/index.ts';
import { createTokenIssuer } from '../../../lib/tokens/index.ts';

const issuer = 'https://kubernetes.default.svc';
const subject = {
  namespace: 'n',
  serviceAccount: { name: 'robot', uid: 'u1' },
  pod: { name: 'p', uid: 'u2' },
};

async function issuerAt(clock: { now: number }, signingKey?: string) {
  return createTokenIssuer({
    issuer,
    signingKey: signingKey ?? (await createSigningKey()),
    now: () => clock.now,
  });
}

test('a token says whom it is for, until it expires', async () => {
  const clock = { now: 1_800_000_000_000 };
  const tokens = await issuerAt(clock);
  const { token, expiresAtMs } = await tokens.issue(subject, { audiences: [issuer], expirationSeconds: 600 });
  expect(expiresAtMs).toBe(clock.now + 600_000);
  expect(await tokens.verify(token, [issuer])).toMatchObject(subject);
  clock.now += 600_001;
  await expect(tokens.verify(token, [issuer])).rejects.toMatchObject({ kind: 'Unauthorized' });
});

test('another audience, issuer, key or a changed token is Unauthorized', async () => {
  const clock = { now: 1_800_000_000_000 };
  const tokens = await issuerAt(clock);
  const { token } = await tokens.issue(subject, { audiences: ['vault'], expirationSeconds: 600 });
  const unauthorized = { kind: 'Unauthorized' };
  await expect(tokens.verify(token, [issuer])).rejects.toMatchObject(unauthorized);
  await expect((await issuerAt(clock)).verify(token, ['vault'])).rejects.toMatchObject(unauthorized);
  const [head, , signature] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ iss: issuer, aud: 'vault', sub: 'x', exp: 9e9 })).toString(
    'base64url',
  );
  await expect(tokens.verify(`${head}.${forged}.${signature}`, ['vault'])).rejects.toMatchObject(
    unauthorized,
  );
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  await expect(tokens.verify(`${none}.${forged}.`, ['vault'])).rejects.toMatchObject(unauthorized);
  await expect(tokens.verify('', ['vault'])).rejects.toMatchObject(unauthorized);
});

test('a token that was found good is not good for another audience, and not before its time', async () => {
  const clock = { now: 1_800_000_000_000 };
  const tokens = await issuerAt(clock);
  const { token } = await tokens.issue(subject, { audiences: ['vault'], expirationSeconds: 600 });
  expect(await tokens.verify(token, ['other', 'vault'])).toMatchObject(subject);
  expect(await tokens.verify(token, ['vault'])).toMatchObject(subject);
  await expect(tokens.verify(token, [issuer])).rejects.toMatchObject({ kind: 'Unauthorized' });
  clock.now -= 1000;
  await expect(tokens.verify(token, ['vault'])).rejects.toMatchObject({ kind: 'Unauthorized' });
});

test('on a connection on which it came before it is the same, until it expires or is not the same', async () => {
  const clock = { now: 1_800_000_000_000 };
  const tokens = await issuerAt(clock);
  const issue = () => tokens.issue(subject, { audiences: [issuer], expirationSeconds: 600 });
  const [{ token }, other] = [await issue(), await issue()];
  const connection = {};
  const first = await tokens.verify(token, [issuer], connection);
  expect(await tokens.verify(token, [issuer], connection)).toBe(first);
  expect(await tokens.verify(token, [issuer])).toBe(first);
  const unauthorized = { kind: 'Unauthorized' };
  await expect(tokens.verify(token, ['vault'], connection)).rejects.toMatchObject(unauthorized);
  await expect(tokens.verify(`${token}x`, [issuer], connection)).rejects.toMatchObject(unauthorized);
  expect((await tokens.verify(other.token, [issuer], connection)).id).not.toBe(first.id);
  expect(await tokens.verify(token, [issuer], connection)).toBe(first);
  clock.now += 600_001;
  await expect(tokens.verify(token, [issuer], connection)).rejects.toMatchObject(unauthorized);
});

test('the public keys carry no private part', async () => {
  const { keys } = await (await issuerAt({ now: 0 })).keys();
  expect(keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
  expect(keys[0]).not.toHaveProperty('d');
});

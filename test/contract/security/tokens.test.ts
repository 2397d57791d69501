/** Tokens that are not good, over HTTPS: each is refused, and on record. */
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { importPKCS8, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBoundObjects } from '../../../functions/apiserver/authentication/bound-objects.ts';
import { serviceAccountTokens } from '../../../functions/apiserver/authentication/service-accounts.ts';
import { parseTokens } from '../../../functions/apiserver/authentication/token-file.ts';
import { createSigningKey } from '../../../lib/certificates/index.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { createTokenIssuer } from '../../../lib/tokens/index.ts';
import type { Answer } from '../../support/api-server.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';
import { type Audited, bearer, startAudited } from './audited.ts';

const issuer = 'https://kubernetes.default.svc';
const core = '/api/v1/namespaces/default';
const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
let plane: Audited;
let previous: string;
/** Of the account `default`, for an hour. */
let good: string;

beforeAll(async () => {
  previous = await createSigningKey();
  plane = await startAudited({
    verificationKeys: [previous, rsa.publicKey],
    authentication: { staticTokens: parseTokens('static-t0ken,ann,7,dev\n', 'test') },
  });
  const { server, must } = plane;
  for (const name of ['default', 'leaving', 'again']) {
    await must(server.post(`${core}/serviceaccounts`, { metadata: { name } }));
  }
  good = await tokenOf('default');
});
afterAll(() => plane.server.close());

async function tokenOf(account: string, spec: object = {}): Promise<string> {
  const { server, must } = plane;
  const answer = await must(server.post(`${core}/serviceaccounts/${account}/token`, { spec }));
  return answer.json.status?.token ?? '';
}

/** Any request at all: what is asked for does not matter to who asks. */
const use = (token: string): Promise<Answer> => plane.server.get('/version', bearer(token));
const isGood = async (token: string) => expect((await use(token)).status).toBe(200);
const isRefused = (token: string) => plane.refused(use(token), 401);

const seconds = Math.floor(Date.now() / 1000);
const decode = (token: string, part: number) =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString()) as JWTPayload;
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function signed(
  claims: JWTPayload,
  { key = plane.server.signingKey, alg = 'ES256', kid }: { key?: string; alg?: string; kid?: string } = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .sign(await importPKCS8(key, alg));
}

describe('a token of a service account', () => {
  test('is good as it was given', () => isGood(good));

  test.each<[string, JWTPayload]>([
    ['whose time is over', { exp: seconds - 1 }],
    ['whose time has not come', { nbf: seconds + 120 }],
    ['that never ends', { exp: undefined }],
    ['for another audience', { aud: ['vault'] }],
    ['for nobody', { aud: undefined }],
    ['for an audience that begins like ours', { aud: [`${issuer}.example.org`] }],
    ['of another issuer', { iss: 'https://kubernetes.default.svc.example.org' }],
    ['of the issuer of old', { iss: 'kubernetes/serviceaccount' }],
    ['whose subject is another account', { sub: 'system:serviceaccount:kube-system:default' }],
    ['whose subject is a user', { sub: 'kubernetes-admin' }],
    [
      'of an account that is not there',
      {
        sub: 'system:serviceaccount:default:nobody',
        'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'nobody', uid: '1' } },
      },
    ],
    [
      'of an account of that name and another time',
      {
        'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'default', uid: '1' } },
      },
    ],
    ['that names no account', { 'kubernetes.io': {} }],
    [
      'that names an account in strange words',
      {
        'kubernetes.io': { namespace: ['default'], serviceaccount: { name: { a: 1 }, uid: 5 } },
      },
    ],
  ])('%s is refused', async (_, claims) => {
    // Signed with the cluster's own key, as nobody can who is not the cluster.
    await isRefused(await signed({ ...decode(good, 1), ...claims }));
  });

  test('is refused when it was tampered with', async () => {
    const [head = '', payload = '', signature = ''] = good.split('.');
    const claims = decode(good, 1);
    const other = encode({ ...claims, sub: 'system:serviceaccount:kube-system:default' });
    const none = (header: object) => `${encode(header)}.${payload}.`;
    for (const token of [
      `${head}.${other}.${signature}`,
      `${head}.${payload}.`,
      `${head}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      none({ alg: 'none' }),
      none({ alg: 'None', typ: 'JWT' }),
      `${none({ alg: 'none' })}${signature}`,
      `${encode({ ...decode(good, 0), alg: 'ES384' })}.${payload}.${signature}`,
      `${encode({ ...decode(good, 0), crit: ['exp'] })}.${payload}.${signature}`,
      `${payload}.${payload}.${payload}`,
      '..',
      '{}',
      'null',
      `${good}.${good}`,
      `Bearer${good}`,
    ]) {
      await isRefused(token);
    }
  });

  test('is refused when a public key, which anybody can have, was taken for a secret', async () => {
    const own = createPublicKey(createPrivateKey(plane.server.signingKey));
    const keys = [own, createPublicKey(rsa.publicKey)].flatMap((key) => {
      const pem = key.export({ type: 'spki', format: 'pem' });
      return [
        pem.toString(),
        pem.toString().trim(),
        key.export({ type: 'spki', format: 'der' }),
        JSON.stringify(key.export({ format: 'jwk' })),
      ];
    });
    const { kid } = decode(good, 0) as { kid: string };
    for (const header of [{ alg: 'HS256' }, { alg: 'HS256', kid }]) {
      for (const key of keys) {
        const text = `${encode(header)}.${encode(decode(good, 1))}`;
        await isRefused(`${text}.${createHmac('sha256', key).update(text).digest('base64url')}`);
      }
    }
  });

  test('is refused when it brings the key that it was signed with', async () => {
    const key = await createSigningKey();
    await isRefused(await signed(decode(good, 1), { key }));
    await isRefused(await signed(decode(good, 1), { key, kid: (decode(good, 0) as { kid: string }).kid }));
    const jwk = createPublicKey(createPrivateKey(key)).export({ format: 'jwk' });
    const withKey = new SignJWT(decode(good, 1)).setProtectedHeader({
      alg: 'ES256',
      jwk,
      jku: 'https://example.org/keys',
    });
    await isRefused(await withKey.sign(await importPKCS8(key, 'ES256')));
  });

  test('is good with a key that signed before or will sign next, and with the algorithm of that key alone', async () => {
    await isGood(await signed(decode(good, 1), { key: previous }));
    await isGood(await signed(decode(good, 1), { key: rsa.privateKey, alg: 'RS256' }));
    await isRefused(await signed(decode(good, 1), { key: rsa.privateKey, alg: 'RS512' }));
    await isRefused(await signed(decode(good, 1), { key: rsa.privateKey, alg: 'PS256' }));
    const { text } = await plane.server.get('/openid/v1/jwks');
    const { keys } = JSON.parse(text) as { keys: { alg: string }[] };
    expect(keys.map(({ alg }) => alg)).toEqual(['ES256', 'ES256', 'RS256']);
    expect(keys.filter((key) => 'd' in key || 'p' in key)).toEqual([]);
  });

  test('of one key is good where it is checked with another beside it, so that keys change without a break', async () => {
    // Two servers, of which one has the new key already: each takes what the other gives.
    const subject = {
      namespace: 'default',
      serviceAccount: { name: 'default', uid: (await uidOf('serviceaccounts/default')) ?? '' },
    };
    const now = Date.now;
    const before = createTokenIssuer({
      issuer,
      signingKey: previous,
      verificationKeys: [rsa.publicKey],
      now,
    });
    const after = createTokenIssuer({
      issuer,
      signingKey: rsa.privateKey,
      verificationKeys: [previous],
      now,
    });
    for (const one of [before, after]) {
      const { token } = await one.issue(subject, { audiences: [issuer], expirationSeconds: 600 });
      for (const other of [before, after]) {
        expect(await other.verify(token, [issuer])).toMatchObject({ namespace: 'default' });
      }
      await isGood(token);
    }
  });
});

async function uidOf(path: string): Promise<string | undefined> {
  return (await plane.server.get(`${core}/${path}`)).json.metadata?.uid;
}

describe('a token dies with what it is bound to', () => {
  const pod = {
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'default', containers: [{ name: 'c', image: 'i' }] },
  };
  const bound = (kind: string, name: string) => ({ boundObjectRef: { apiVersion: 'v1', kind, name } });

  test('its account', async () => {
    const { server, must } = plane;
    const token = await tokenOf('leaving');
    await isGood(token);
    await must(server.delete(`${core}/serviceaccounts/leaving`), 200);
    await isRefused(token);
    // One of the same name is another.
    await must(server.post(`${core}/serviceaccounts`, { metadata: { name: 'leaving' } }));
    await isRefused(token);
  });

  test('its pod', async () => {
    const { server, must } = plane;
    await must(server.post(`${core}/pods`, pod));
    const token = await tokenOf('default', bound('Pod', 'p'));
    await isGood(token);
    await must(server.delete(`${core}/pods/p`, { gracePeriodSeconds: 0 }), 200);
    await isRefused(token);
    await must(server.post(`${core}/pods`, pod));
    await isRefused(token);
    await isGood(good);
  });

  test('its secret', async () => {
    const { server, must } = plane;
    await must(server.post(`${core}/secrets`, { metadata: { name: 's' } }));
    const token = await tokenOf('default', bound('Secret', 's'));
    await isGood(token);
    await must(server.delete(`${core}/secrets/s`), 200);
    await isRefused(token);
  });

  test('its node', async () => {
    const { server, must } = plane;
    await must(server.post('/api/v1/nodes', { metadata: { name: 'n' } }));
    const token = await tokenOf('default', bound('Node', 'n'));
    await isGood(token);
    await must(server.delete('/api/v1/nodes/n'), 200);
    await isRefused(token);
    await must(server.post('/api/v1/nodes', { metadata: { name: 'n' } }));
    await isRefused(token);
  });

  test('a pod that was to be gone a minute ago, though something keeps it', async () => {
    const { server, must } = plane;
    const kept = { ...pod, metadata: { name: 'kept', finalizers: ['example.org/kept'] } };
    await must(server.post(`${core}/pods`, kept));
    const token = await tokenOf('default', bound('Pod', 'kept'));
    await must(server.delete(`${core}/pods/kept`, { gracePeriodSeconds: 0 }), 200);
    // Its last words may still be said.
    await isGood(token);
    const clock = createSteppedClock(Date.now());
    const { signingKey, store } = server;
    const tokens = createTokenIssuer({ issuer, signingKey, now: clock.now });
    const cache = openWatchCache({ store, clock, log: silentLogger });
    const later = serviceAccountTokens(tokens, createBoundObjects({ cache, clock }));
    expect(await later.authenticate(token)).toBeDefined();
    await clock.step(62_000);
    expect(await later.authenticate(token)).toBeUndefined();
    await cache.close();
  });
});

describe('a token is given', () => {
  const ask = (spec: object, account = 'default') =>
    plane.server.post(`${core}/serviceaccounts/${account}/token`, { spec });

  test('for ten minutes at least and 2^32 seconds at most', async () => {
    for (const [expirationSeconds, detail] of [
      [599, 'may not specify a duration less than 10 minutes'],
      [2 ** 32 + 1, 'may not specify a duration larger than 2^32 seconds'],
      [-1, 'may not specify a duration less than 10 minutes'],
    ] as const) {
      const { status, json } = await ask({ expirationSeconds });
      expect([status, json.reason]).toEqual([422, 'Invalid']);
      expect(json.message).toContain(
        `spec.expirationSeconds: Invalid value: ${expirationSeconds}: ${detail}`,
      );
    }
  });

  test('bound to what is there, and to the one that is meant', async () => {
    const ref = { apiVersion: 'v1', kind: 'Secret', name: 'none' };
    expect((await ask({ boundObjectRef: ref })).status).toBe(404);
    expect((await ask({ boundObjectRef: { ...ref, kind: 'ConfigMap' } })).status).toBe(400);
    await plane.must(plane.server.post(`${core}/secrets`, { metadata: { name: 'there' } }));
    const other = await ask({ boundObjectRef: { ...ref, name: 'there', uid: '1' } });
    expect([other.status, other.json.reason]).toEqual([409, 'Conflict']);
    expect((await ask({}, 'nobody')).status).toBe(404);
    await plane.must(
      plane.server.post(`${core}/pods`, {
        metadata: { name: 'others' },
        spec: { serviceAccountName: 'again', containers: [{ name: 'c', image: 'i' }] },
      }),
    );
    const pod = { apiVersion: 'v1', kind: 'Pod', name: 'others' };
    expect((await ask({ boundObjectRef: pod })).status).toBe(400);
  });

  test('for the audiences that are asked for, and is good for those alone', async () => {
    const token = await tokenOf('default', { audiences: ['vault'] });
    await isRefused(token);
    const review = (audiences?: string[]) =>
      plane.server.post('/apis/authentication.k8s.io/v1/tokenreviews', {
        spec: { token, ...(audiences && { audiences }) },
      });
    expect((await review()).json.status).toEqual({ user: {}, error: 'invalid bearer token' });
    expect((await review(['vault', 'other'])).json.status).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
      user: { username: 'system:serviceaccount:default:default' },
    });
    expect((await review(['other'])).json.status).toEqual({ user: {}, error: 'invalid bearer token' });
  });
});

describe('a token of a file', () => {
  test('lets its user in', async () => {
    await isGood('static-t0ken');
    await plane.refused(plane.server.get(`${core}/secrets`, bearer('static-t0ken')), 403);
  });

  test.each(['static-t0ke', 'static-t0kenn', 'STATIC-T0KEN', 'ann', '7'])('%s does not', async (token) => {
    await isRefused(token);
  });
});

test('nothing that was said shows a token', () => {
  const said = plane.said();
  expect(said).toContain('Unauthorized');
  for (const secret of [good, good.split('.')[2] ?? '', 'static-t0ken', plane.server.signingKey, previous]) {
    expect(said).not.toContain(secret);
  }
});

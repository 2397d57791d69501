/** Users of OpenID Connect providers, over HTTPS, by an AuthenticationConfiguration. */
import { createHmac, createPublicKey } from 'node:crypto';
import { request } from 'node:https';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseAuthenticationConfig } from '../../../functions/apiserver/authentication/config-file.ts';
import { createBoundObjects } from '../../../functions/apiserver/authentication/bound-objects.ts';
import { createAuthentication } from '../../../functions/apiserver/authentication/index.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { createTokenIssuer } from '../../../lib/tokens/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { type OidcIssuer, startOidcIssuer } from '../../support/oidc-issuer.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

const own = 'https://kubernetes.default.svc';
const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
let plain: OidcIssuer;
let mapped: OidcIssuer;
let server: TestServer;

const indent = (pem: string) => pem.trim().replaceAll('\n', '\n      ');
const config = () => `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: ${plain.url}
    certificateAuthority: |
      ${indent(plain.ca)}
    audiences: [kumulus]
  claimValidationRules:
  - {claim: hd, requiredValue: example.org}
  claimMappings:
    username: {claim: email, prefix: 'plain:'}
    groups: {claim: groups, prefix: 'plain:'}
    uid: {claim: sub}
- issuer:
    url: ${mapped.url}
    discoveryURL: ${new URL(mapped.url).origin}/inside/.well-known/openid-configuration
    certificateAuthority: |
      ${indent(mapped.ca)}
    audiences: [kumulus, cli]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - expression: claims.exp - claims.iat <= 3600
    message: too long
  claimMappings:
    username: {expression: "'mapped:' + claims.name.lowerAscii()"}
    groups: {expression: "claims.?roles.orValue([]).map(role, 'mapped:' + role)"}
    extra:
    - {key: example.org/tenant, valueExpression: "claims.?tenant.orValue('')"}
  userValidationRules:
  - expression: "!user.username.contains('root') && user.groups.all(group, !group.endsWith('masters'))"
    message: reserved
`;

beforeAll(async () => {
  plain = await startOidcIssuer('kumulus');
  mapped = await startOidcIssuer('cli', '/realms/one');
  server = await startServer({ authentication: parseAuthenticationConfig(config(), 'test', [own]) });
});
afterAll(async () => {
  await server.close();
  await plain.close();
  await mapped.close();
});

const bearer = (token: string) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
async function whoIs(token: string) {
  const answer = await server.post(
    review,
    { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    bearer(token),
  );
  const { status } = answer.json as { status?: { userInfo?: object } };
  return answer.status === 201 ? status?.userInfo : answer.status;
}
const good = { email: 'ann@example.org', email_verified: true, hd: 'example.org', sub: '7' };

describe('a token of an issuer', () => {
  test('is the user that claims name', async () => {
    expect(await whoIs(await plain.token({ ...good, groups: ['dev', 'ops'], jti: 'one' }))).toEqual({
      username: 'plain:ann@example.org',
      uid: '7',
      groups: ['plain:dev', 'plain:ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=one'] },
    });
    // One group may stand alone.
    expect(await whoIs(await plain.token({ ...good, groups: 'dev' }))).toMatchObject({
      groups: ['plain:dev', 'system:authenticated'],
    });
  });

  test('is the user that expressions make of them, by any of its audiences', async () => {
    const claims = { name: 'Bob', roles: ['dev'], tenant: 'blue' };
    for (const aud of ['cli', 'kumulus', ['other', 'cli']]) {
      expect(await whoIs(await mapped.token({ ...claims, aud }))).toEqual({
        username: 'mapped:bob',
        groups: ['mapped:dev', 'system:authenticated'],
        extra: { 'example.org/tenant': ['blue'] },
      });
    }
    expect(await whoIs(await mapped.token({ name: 'bob' }))).toEqual({
      username: 'mapped:bob',
      groups: ['system:authenticated'],
    });
  });

  test('says so in a TokenReview, for this API server and for nobody else', async () => {
    const token = await plain.token(good);
    const ask = async (audiences?: string[]) => {
      const { json } = await server.post('/apis/authentication.k8s.io/v1/tokenreviews', {
        spec: { token, ...(audiences && { audiences }) },
      });
      return json.status;
    };
    expect(await ask()).toMatchObject({ authenticated: true, user: { username: 'plain:ann@example.org' } });
    expect(await ask([own, 'vault'])).toMatchObject({ authenticated: true, audiences: [own] });
    expect(await ask(['vault'])).toEqual({ user: {}, error: 'invalid bearer token' });
  });
});

describe('a token is refused', () => {
  const seconds = Math.floor(Date.now() / 1000);
  test.each<[string, Record<string, unknown>]>([
    ['whose time is over', { exp: seconds - 1 }],
    ['whose time has not come', { nbf: seconds + 3600 }],
    ['that never ends', { exp: undefined }],
    ['for another audience', { aud: 'vault' }],
    ['for nobody', { aud: undefined }],
    ['of another issuer', { iss: 'https://elsewhere.example.org' }],
    ['of our own service accounts', { iss: own, sub: 'system:serviceaccount:kube-system:default' }],
    ['without the claim that must be there', { hd: undefined }],
    ['with another value of it', { hd: 'example.com' }],
    ['with a value that is no text', { hd: ['example.org'] }],
    ['without a name', { email: undefined }],
    ['with an empty name', { email: '' }],
    ['with a name that is no text', { email: { is: 'ann' } }],
    ['whose address is not verified', { email_verified: false }],
    ['whose address is said to be verified in words', { email_verified: 'true' }],
    ['whose groups are no texts', { groups: [{ name: 'dev' }] }],
    [
      'whose groups are elsewhere',
      { _claim_names: { groups: 'a' }, _claim_sources: { a: { endpoint: own } } },
    ],
  ])('%s', async (_, claims) => {
    expect(await whoIs(await plain.token({ ...good, ...claims }))).toBe(401);
  });

  test.each<[string, Record<string, unknown>]>([
    ['that lasts too long', { name: 'bob', exp: seconds + 7200 }],
    ['without a claim that an expression needs', {}],
    ['whose claim is of another type', { name: 5 }],
    ['of a user who is not wanted', { name: 'Root' }],
    ['of groups that are not wanted', { name: 'bob', roles: ['system:masters'] }],
    ['with roles that are no list', { name: 'bob', roles: 5 }],
  ])('by an expression: %s', async (_, claims) => {
    expect(await whoIs(await mapped.token(claims))).toBe(401);
  });

  test('that nobody signed, or that somebody else did', async () => {
    const token = await plain.token(good);
    const [head = '', payload = '', signature = ''] = token.split('.');
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
    const admin = part({ ...claims, email: 'admin@example.org' });
    expect(await whoIs(`${part({ alg: 'none' })}.${payload}.`)).toBe(401);
    expect(await whoIs(`${part({ alg: 'none', kid })}.${payload}.${signature}`)).toBe(401);
    expect(await whoIs(`${head}.${admin}.${signature}`)).toBe(401);
    expect(await whoIs(`${head}.${payload}.${Buffer.alloc(256).toString('base64url')}`)).toBe(401);
    const other = await generateKeyPair('RS256');
    const forged = (header: { alg: string; kid?: string }) =>
      new SignJWT(claims).setProtectedHeader(header).sign(other.privateKey);
    expect(await whoIs(await forged({ alg: 'RS256', kid }))).toBe(401);
    expect(await whoIs(await forged({ alg: 'RS256' }))).toBe(401);
    // The public key, which everybody knows, taken for a secret.
    const response = await fetchKeys();
    const pem = await exportSPKI(createPublicKey({ key: response, format: 'jwk' }) as never);
    const hmacHead = part({ alg: 'HS256', kid });
    for (const secret of [pem, pem.trim(), JSON.stringify(response)]) {
      const mac = createHmac('sha256', secret).update(`${hmacHead}.${admin}`).digest('base64url');
      expect(await whoIs(`${hmacHead}.${admin}.${mac}`)).toBe(401);
    }
    // A token brings no keys of its own.
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = createPublicKey(await exportSPKI(publicKey)).export({ format: 'jwk' });
    const selfMade = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk, jku: `${plain.url}/mine` });
    expect(await whoIs(await selfMade.sign(privateKey))).toBe(401);
    expect(await whoIs(token)).toMatchObject({ username: 'plain:ann@example.org' });
  });

  function fetchKeys() {
    return new Promise<{ kty: string }>((resolve, reject) => {
      request(`${plain.url}/keys`, { ca: plain.ca }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve((JSON.parse(text) as { keys: [{ kty: string }] }).keys[0]));
      })
        .once('error', reject)
        .end();
    });
  }
});

/** With a clock that is stepped: how keys are kept, and how often an issuer is asked. */
describe('the keys of an issuer', () => {
  const stopping: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stopping.splice(0)) await stop();
  });

  async function setUp() {
    const issuer = await startOidcIssuer('kumulus');
    const clock = createSteppedClock(Date.now());
    const text = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: ${issuer.url}
    certificateAuthority: |
      ${indent(issuer.ca)}
    audiences: [kumulus]
  claimMappings: {username: {claim: sub, prefix: ''}}
`;
    const tokens = createTokenIssuer({ issuer: own, signingKey: server.signingKey, now: clock.now });
    const ending = new AbortController();
    const cache = openWatchCache({ store: server.store, clock, log: silentLogger });
    const authentication = createAuthentication(parseAuthenticationConfig(text, 'test', [own]), {
      tokens,
      bound: createBoundObjects({ cache, clock }),
      cache,
      clock,
      log: silentLogger,
      signal: ending.signal,
      first: [],
    });
    stopping.push(async () => {
      ending.abort();
      await cache.close();
      await issuer.close();
    });
    const knows = async (token: string) => (await authentication.tokens.authenticate(token)) !== undefined;
    const lasting = (claims = {}) => issuer.token({ exp: Math.floor(Date.now() / 1000) + 86_400, ...claims });
    return { issuer, clock, knows, lasting };
  }

  test('are asked for once, and again when they are old; one that is withdrawn is no longer good', async () => {
    const { issuer, clock, knows, lasting } = await setUp();
    const tokens = await Promise.all([lasting(), lasting({ sub: 'bob' }), lasting({ sub: 'cid' })]);
    expect(await Promise.all(tokens.map(knows))).toEqual([true, true, true]);
    expect(issuer.asked).toEqual({ discovery: 1, keys: 1 });
    await issuer.rotate();
    await clock.step(11 * 60_000);
    expect(await Promise.all(tokens.map(knows))).toEqual([false, false, false]);
    // Once when they were old, and not once more for each.
    expect(issuer.asked.keys).toBe(2);
  });

  test('that are new are found when a token needs them, without a break', async () => {
    const { issuer, clock, knows, lasting } = await setUp();
    expect(await knows(await lasting())).toBe(true);
    await clock.step(10_000);
    await issuer.rotate('ES256');
    expect(await knows(await lasting({ sub: 'bob' }))).toBe(true);
    expect(issuer.asked.keys).toBe(2);
  });

  test('are not asked for more often, whoever sends whatever', async () => {
    const { issuer, clock, knows, lasting } = await setUp();
    expect(await knows(await lasting())).toBe(true);
    const { privateKey } = await generateKeyPair('RS256');
    const claims = { iss: issuer.url, aud: 'kumulus', sub: 'x', exp: Math.floor(Date.now() / 1000) + 86_400 };
    const strange = (kid: string) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);
    for (let round = 0; round < 3; round++) {
      await clock.step(10_000);
      for (let index = 0; index < 20; index++) expect(await knows(await strange(`s-${index}`))).toBe(false);
    }
    expect(issuer.asked.keys).toBe(4);
  });

  test('are good for a while when the issuer cannot be asked, and not for ever', async () => {
    const { issuer, clock, knows, lasting } = await setUp();
    const token = await lasting();
    expect(await knows(token)).toBe(true);
    issuer.fail(503);
    await clock.step(30 * 60_000);
    expect(await knows(token)).toBe(true);
    await clock.step(31 * 60_000);
    expect(await knows(token)).toBe(false);
    issuer.fail(0);
    await clock.step(10_000);
    expect(await knows(token)).toBe(true);
  });

  test('of an issuer that cannot be reached at first are had once it can', async () => {
    const { issuer, clock, knows, lasting } = await setUp();
    const token = await lasting();
    issuer.fail(500);
    expect(await knows(token)).toBe(false);
    issuer.fail(0);
    expect(await knows(token)).toBe(false);
    expect(issuer.asked.discovery).toBe(1);
    await clock.step(10_000);
    expect(await knows(token)).toBe(true);
  });

  test('do not let a token outlive its time by having been seen', async () => {
    const { clock, knows, lasting } = await setUp();
    const token = await lasting({ exp: Math.floor(clock.now() / 1000) + 5 });
    expect(await knows(token)).toBe(true);
    await clock.step(5_000);
    expect(await knows(token)).toBe(false);
  });
});

/** IAM principals over HTTPS: signatures are really checked, by an endpoint that answers as STS does. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessEntry } from '../../../functions/apiserver/authentication/access-entries.ts';
import { iamAuthenticator } from '../../../functions/apiserver/authentication/iam.ts';
import { createIamToken, iamTokenPrefix } from '../../../lib/aws/iam-token.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type Principal, type StsEndpoint, startSts } from '../../support/sts-endpoint.ts';
import { type Audited, bearer, startAudited } from './audited.ts';

const account = '123456789012';
const admin: Principal = {
  accessKeyId: 'ASIAADMIN',
  secretAccessKey: 'admins-secret-key',
  sessionToken: 'admins-session-token',
  account,
  arn: `arn:aws:sts::${account}:assumed-role/admin/ann`,
  userId: 'AROAADMIN:ann',
};
const stranger: Principal = {
  accessKeyId: 'AKIASTRANGER',
  secretAccessKey: 'strangers-secret-key',
  account: '210987654321',
  arn: 'arn:aws:iam::210987654321:user/admin',
  userId: 'AIDASTRANGER',
};
const cluster = 'Kumulus';
const region = 'eu-central-1';
const whoami = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

let sts: StsEndpoint;
let otherSts: StsEndpoint;
let plane: Audited;
const entries: AccessEntry[] = [
  { principalArn: `arn:aws:iam::${account}:role/admin`, username: 'ann', groups: ['system:masters'] },
];

beforeAll(async () => {
  sts = await startSts([admin, stranger]);
  otherSts = await startSts([admin]);
  plane = await startAudited({
    authenticators: [
      iamAuthenticator({
        cluster,
        stsUrl: sts.url,
        entries: () => Promise.resolve(entries),
        clock: systemClock,
        log: silentLogger,
        fetch: sts.fetch,
      }),
    ],
  });
});
afterAll(async () => {
  await plane?.server.close();
  await sts?.close();
  await otherSts?.close();
});

async function tokenOf(change: Partial<Parameters<typeof createIamToken>[0]> = {}): Promise<string> {
  const request = { cluster, region, credentials: admin, stsUrl: sts.url, nowMs: Date.now(), ...change };
  return (await createIamToken(request)).token;
}

async function changed(change: (url: URL) => void, token?: string): Promise<string> {
  const text = (token ?? (await tokenOf())).slice(iamTokenPrefix.length);
  const url = new URL(Buffer.from(text, 'base64url').toString());
  change(url);
  return iamTokenPrefix + Buffer.from(url.toString()).toString('base64url');
}

const use = (token: string) => plane.server.post(whoami, {}, bearer(token));

test('whoever signed it is let in as the access entry says', async () => {
  const { json } = await plane.must(use(await tokenOf()));
  expect(json).toMatchObject({ status: { userInfo: { username: 'ann' } } });
});

describe('a signed request is refused', () => {
  test.each<[string, () => Promise<string>]>([
    ['of a principal that no access entry names', () => tokenOf({ credentials: stranger })],
    [
      'with the key of a stranger under the name of an administrator',
      () =>
        tokenOf({
          credentials: { ...stranger, accessKeyId: admin.accessKeyId, sessionToken: 'admins-session-token' },
        }),
    ],
    ['for another cluster', () => tokenOf({ cluster: 'Other' })],
    ['for no cluster', () => changed((url) => url.searchParams.set('X-Amz-SignedHeaders', 'host'))],
    ['for another STS, though that would believe it', () => tokenOf({ stsUrl: otherSts.url })],
    [
      "for an attacker's host that names itself STS",
      async () =>
        changed(
          (url) => (url.host = new URL(sts.url).host),
          await tokenOf({ stsUrl: 'https://sts.amazonaws.com.attacker.example' }),
        ),
    ],
    [
      'of another region',
      () =>
        changed((url) =>
          url.searchParams.set(
            'X-Amz-Credential',
            `${admin.accessKeyId}/20260101/us-east-1/sts/aws4_request`,
          ),
        ),
    ],
    ['of 16 minutes ago', () => tokenOf({ nowMs: Date.now() - 16 * 60_000 })],
    [
      'of 16 minutes ago, with the time of now written over it',
      async () =>
        changed(
          (url) => url.searchParams.set('X-Amz-Date', new Date().toISOString().replace(/[-:]|\.\d+/g, '')),
          await tokenOf({ nowMs: Date.now() - 16 * 60_000 }),
        ),
    ],
    ['of in ten minutes', () => tokenOf({ nowMs: Date.now() + 10 * 60_000 })],
    ['to do something else', () => changed((url) => url.searchParams.set('Action', 'AssumeRole'))],
    ['without its session', () => changed((url) => url.searchParams.delete('X-Amz-Security-Token'))],
    ['without its signature', () => changed((url) => url.searchParams.delete('X-Amz-Signature'))],
    [
      'with a signature of zeros',
      () => changed((url) => url.searchParams.set('X-Amz-Signature', '0'.repeat(64))),
    ],
    ['that is no URL', () => Promise.resolve(`${iamTokenPrefix}AAAA`)],
    ['that is too long', () => Promise.resolve(iamTokenPrefix + 'A'.repeat(9_000))],
  ])('%s', async (_name, make) => {
    await plane.refused(use(await make()), 401);
  });

  test('once its principal has no access entry, or no keys any more', async () => {
    const token = await tokenOf();
    await plane.must(use(token));
    const [entry] = entries.splice(0);
    await plane.refused(use(token), 401);
    if (entry) entries.push(entry);
    await plane.must(use(token));
    sts.revoke(admin.accessKeyId);
    // One that was not seen before: who signed a token is remembered as long as the token is good.
    await plane.refused(use(await tokenOf({ nowMs: Date.now() - 30_000 })), 401);
  });
});

test('tokens were sent to nobody but STS, and nothing that was said shows one', () => {
  expect(otherSts.asked).toEqual([]);
  for (const secret of [admin.secretAccessKey, 'admins-session-token', iamTokenPrefix, 'X-Amz-Signature='])
    expect(plane.said()).not.toContain(secret);
});

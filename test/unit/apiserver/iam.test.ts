import { describe, expect, test } from 'vitest';
import {
  type AccessEntry,
  parseAccessEntries,
  userOf,
} from '../../../functions/apiserver/authentication/access-entries.ts';
import { iamAuthenticator } from '../../../functions/apiserver/authentication/iam.ts';
import { createIamToken, iamTokenPrefix } from '../../../lib/aws/iam-token.ts';
import { silentLogger } from '../../../lib/log.ts';

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const stsUrl = 'https://sts.eu-central-1.amazonaws.com';
const role: AccessEntry = {
  principalArn: 'arn:aws:iam::123456789012:role/team/admin',
  username: 'admin:{{SessionName}}',
  groups: ['system:masters'],
};
const arn = 'arn:aws:sts::123456789012:assumed-role/admin/alice@example.org';

function setUp(
  answer: { status: number; body: unknown },
  entries: AccessEntry[] = [role],
  fixed: AccessEntry[] = [],
) {
  const asked: { url: string; headers: Headers }[] = [];
  let now = nowMs;
  let timesRead = 0;
  const authenticator = iamAuthenticator({
    cluster: 'Kumulus',
    stsUrl,
    fixed,
    entries: async () => {
      timesRead++;
      return entries;
    },
    clock: { now: () => now, sleep: () => Promise.resolve() },
    log: silentLogger,
    fetch: async (url, init) => {
      asked.push({ url: new Request(url).url, headers: new Headers(init?.headers) });
      return new Response(JSON.stringify(answer.body), { status: answer.status });
    },
  });
  return { authenticator, asked, read: () => timesRead, pass: (ms: number) => (now += ms) };
}

const identity = {
  status: 200,
  body: {
    GetCallerIdentityResponse: {
      GetCallerIdentityResult: { Account: '123456789012', Arn: arn, UserId: 'AROAEXAMPLE:alice@example.org' },
    },
  },
};

const tokenFor = async (cluster = 'Kumulus', at = nowMs) =>
  (
    await createIamToken({
      cluster,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' },
      nowMs: at,
    })
  ).token;

/** A token whose signed request was changed. */
async function forged(change: (url: URL) => void): Promise<string> {
  const url = new URL(Buffer.from((await tokenFor()).slice(iamTokenPrefix.length), 'base64url').toString());
  change(url);
  return iamTokenPrefix + Buffer.from(url.toString()).toString('base64url');
}

describe('a token of an IAM principal', () => {
  test.each([
    ['eu-central-1', 'sts.eu-central-1.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
  ])('of %s asks %s', async (region, host) => {
    const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
    const { token } = await createIamToken({ cluster: 'Kumulus', region, credentials, nowMs });
    const url = new URL(Buffer.from(token.slice(iamTokenPrefix.length), 'base64url').toString());
    expect(url.host).toBe(host);
  });

  test('is whom STS says it is, by the access entry of its role', async () => {
    const { authenticator, asked } = setUp(identity);
    const found = await authenticator.authenticate(await tokenFor());
    expect(found?.user).toMatchObject({ username: 'admin:alice-example.org', groups: ['system:masters'] });
    expect(found?.user.extra?.arn).toEqual([arn]);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.url.startsWith(`${stsUrl}/?Action=GetCallerIdentity&`)).toBe(true);
    expect(asked[0]?.headers.get('x-k8s-aws-id')).toBe('Kumulus');
  });

  test('of a role that the stack names needs no further entries, and cannot be given other rights by them', async () => {
    const { authenticator, read } = setUp(identity, [{ ...role, username: 'another' }], [role]);
    const found = await authenticator.authenticate(await tokenFor());
    expect([found?.user.username, read()]).toEqual(['admin:alice-example.org', 0]);
    const other = setUp(identity, [role], [{ ...role, principalArn: `${role.principalArn}s` }]);
    expect((await other.authenticator.authenticate(await tokenFor()))?.user.groups).toEqual([
      'system:masters',
    ]);
    expect(other.read()).toBe(1);
  });

  test('is asked about once as long as it is good', async () => {
    const { authenticator, asked, pass } = setUp(identity);
    const token = await tokenFor();
    await Promise.all([authenticator.authenticate(token), authenticator.authenticate(token)]);
    expect(asked).toHaveLength(1);
    pass(15 * 60_000);
    expect(await authenticator.authenticate(token)).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  test.each<[string, (url: URL) => void]>([
    ['for another action', (url) => url.searchParams.set('Action', 'AssumeRole')],
    ['with a parameter more', (url) => url.searchParams.set('RoleArn', 'arn:aws:iam::1:role/x')],
    ['with a parameter twice', (url) => url.searchParams.append('Action', 'GetCallerIdentity')],
    [
      'with a parameter twice in another case',
      (url) => url.searchParams.append('action', 'GetCallerIdentity'),
    ],
    ['not signed for a cluster', (url) => url.searchParams.set('X-Amz-SignedHeaders', 'host')],
    ['for another path', (url) => (url.pathname = '/other')],
    ['that lives for hours', (url) => url.searchParams.set('X-Amz-Expires', '86400')],
    ['without a time', (url) => url.searchParams.delete('X-Amz-Date')],
    ['from the future', (url) => url.searchParams.set('X-Amz-Date', '20260102T040405Z')],
  ])('%s never reaches STS', async (_name, change) => {
    const { authenticator, asked } = setUp(identity);
    expect(await authenticator.authenticate(await forged(change))).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('is sent to STS alone, whatever host it names', async () => {
    const { authenticator, asked } = setUp(identity);
    await authenticator.authenticate(await forged((url) => (url.host = 'attacker.example')));
    expect(asked.map(({ url }) => new URL(url).origin)).toEqual([stsUrl]);
  });

  test('that STS does not believe is nobody', async () => {
    const { authenticator } = setUp({ status: 403, body: {} });
    expect(await authenticator.authenticate(await tokenFor())).toBeUndefined();
  });

  test('is asked about again after STS failed', async () => {
    const { authenticator, asked } = setUp({ status: 503, body: {} });
    const token = await tokenFor();
    await expect(authenticator.authenticate(token)).rejects.toThrow('STS answered 503');
    await expect(authenticator.authenticate(token)).rejects.toMatchObject({
      kind: 'ServiceUnavailable',
      details: { retryAfterSeconds: 1 },
    });
    expect(asked).toHaveLength(2);
  });

  test('of a principal without an access entry is nobody', async () => {
    const { authenticator } = setUp(identity, [
      { ...role, principalArn: 'arn:aws:iam::123456789012:role/other' },
    ]);
    expect(await authenticator.authenticate(await tokenFor())).toBeUndefined();
  });

  test('is not what TokenReview looks for with audiences of others', async () => {
    const { authenticator, asked } = setUp(identity);
    expect(await authenticator.authenticate(await tokenFor(), ['vault'])).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

describe('access entries', () => {
  test('name users too, and the caller is called by its ARN where nothing else is said', () => {
    const user = {
      account: '123456789012',
      arn: 'arn:aws:iam::123456789012:user/bob',
      userId: 'AIDAEXAMPLE',
    };
    expect(userOf(user, [{ principalArn: user.arn, groups: ['dev'] }])).toMatchObject({
      username: user.arn,
      groups: ['dev'],
      uid: 'aws-iam-authenticator:123456789012:AIDAEXAMPLE',
    });
    expect(userOf(user, [{ principalArn: 'arn:aws:iam::210987654321:user/bob' }])).toBeUndefined();
  });

  test.each([
    [{}, 'access entries: Invalid value: must be a list'],
    [[{ principalArn: '*' }], '[0].principalArn: Invalid value: "*": must be the ARN of an IAM role or user'],
    [
      [{ principalArn: role.principalArn, groups: 'system:masters' }],
      '[0].groups: Invalid value: "system:masters": must be a list of names',
    ],
  ])('that are wrong are refused with field and value: %j', (value, message) => {
    expect(() => parseAccessEntries(value)).toThrow(message);
  });
});

/**
 * IAM principals: a bearer token `k8s-aws-v1.<base64url>` holds a request to STS GetCallerIdentity that its sender has
 * signed beforehand (the token of aws-iam-authenticator). Sending it on proves who signed it, and nothing else can be done
 * with it. Whom an ARN is in the cluster, access entries say; without one nobody gets in.
 */
import { createHash } from 'node:crypto';
import { clusterHeader, iamTokenPrefix } from '../../../lib/aws/iam-token.ts';
import type { Clock } from '../../../lib/clock.ts';
import { KumulusError, messageOf } from '../../../lib/errors.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import type { TokenAuthenticator } from '../pipeline/authentication.ts';
import { type AccessEntry, type CallerIdentity, userOf } from './access-entries.ts';

export interface IamAuthenticatorOptions {
  /** What tokens must be signed for: the stack's name. */
  cluster: string;
  /** `https://sts.eu-central-1.amazonaws.com`: the only place that tokens are ever sent to. */
  stsUrl: string;
  /** Known from the start, and first. */
  fixed?: readonly AccessEntry[];
  /** Asked for whom none of those names: reading them is more than all else that a request of a node costs. */
  entries: () => Promise<readonly AccessEntry[]>;
  clock: Clock;
  log: Logger;
  fetch?: typeof fetch;
}

const longestToken = 8 * 1024;
/** Signatures of STS are good for 15 minutes; clocks may differ by some of it. */
const longestAgeMs = 15 * 60_000;
const skewMs = 5 * 60_000;
const stsTimeoutMs = 5_000;
const mostRemembered = 1024;

/** In lower case; anything else in the query is refused, so that a token can ask STS for nothing else. */
const allowedParameters = new Set([
  'action',
  'version',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-user-agent',
  'x-amz-content-sha256',
]);

export function iamAuthenticator(options: IamAuthenticatorOptions): TokenAuthenticator {
  const { cluster, fixed = [], clock, log } = options;
  /** Who signed a token does not change; whom that is in the cluster is looked up each time. */
  const known = new Map<string, { untilMs: number; identity: Promise<CallerIdentity | undefined> }>();

  async function ask(query: URLSearchParams): Promise<CallerIdentity | undefined> {
    const response = await (options.fetch ?? fetch)(`${options.stsUrl}/?${query.toString()}`, {
      headers: { accept: 'application/json', [clusterHeader]: cluster },
      redirect: 'error',
      signal: AbortSignal.timeout(stsTimeoutMs),
    });
    const body = await response.text();
    if (response.ok) return identityOf(body);
    if (response.status >= 500 || response.status === 429) throw new Error(`STS answered ${response.status}`);
    log.info({ status: response.status }, 'STS does not know who signed a token');
    return undefined;
  }

  function identify(token: string, query: URLSearchParams, untilMs: number) {
    const id = createHash('sha256').update(token).digest('base64');
    const found = known.get(id);
    if (found && found.untilMs > clock.now()) return found.identity;
    if (known.size >= mostRemembered) known.clear();
    const identity = ask(query).catch((cause: unknown) => {
      // Clients send again what nobody could look at.
      throw new KumulusError('ServiceUnavailable', `STS could not be asked: ${messageOf(cause)}`, {
        cause,
        details: { retryAfterSeconds: 1 },
      });
    });
    known.set(id, { untilMs, identity });
    identity.catch((error: unknown) => {
      known.delete(id);
      log.warn({ reason: messageOf(error) }, 'whose a token is cannot be known');
    });
    return identity;
  }

  return {
    async authenticate(token, audiences) {
      // Meant for this API server alone.
      if (!token.startsWith(iamTokenPrefix) || audiences) return undefined;
      const parsed = parseToken(token, clock.now());
      if (typeof parsed === 'string') {
        log.info({ reason: parsed }, 'a token of an IAM principal was refused');
        return undefined;
      }
      const identity = await identify(token, parsed.query, parsed.untilMs);
      if (!identity) return undefined;
      const user: UserInfo | undefined = userOf(identity, fixed) ?? userOf(identity, await options.entries());
      if (!user) log.info({ arn: identity.arn }, 'no access entry names this IAM principal');
      return user && { user, audiences: [] };
    },
  };
}

/** The signed request's query and how long it is good, or what is wrong with it. */
function parseToken(token: string, nowMs: number): { query: URLSearchParams; untilMs: number } | string {
  if (token.length > longestToken) return 'too long';
  let url: URL;
  try {
    url = new URL(Buffer.from(token.slice(iamTokenPrefix.length), 'base64url').toString());
  } catch {
    return 'no URL';
  }
  if (url.pathname !== '/') return 'not the path of STS';
  const query = url.searchParams;
  const names = [...query.keys()].map((name) => name.toLowerCase());
  if (new Set(names).size !== names.length) return 'a parameter comes twice';
  const strange = names.find((name) => !allowedParameters.has(name));
  if (strange !== undefined) return `parameter ${strange.slice(0, 40)}`;
  if (query.get('Action') !== 'GetCallerIdentity') return 'another action';
  const signed = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  if (!signed.includes('host') || !signed.includes(clusterHeader)) return 'not signed for a cluster';
  const atMs = timeOf(query.get('X-Amz-Date') ?? '');
  const expiresMs = Number(query.get('X-Amz-Expires') ?? Number.NaN) * 1000;
  if (atMs === undefined || !(expiresMs > 0 && expiresMs <= longestAgeMs)) return 'no time';
  if (atMs > nowMs + skewMs) return 'signed in the future';
  const untilMs = atMs + longestAgeMs;
  return untilMs <= nowMs ? 'expired' : { query, untilMs };
}

/** `20260102T030405Z` */
function timeOf(text: string): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** STS answers in JSON when it is asked to; emulators in XML all the same. */
function identityOf(body: string): CallerIdentity {
  const field = (name: string): string => {
    const [, json, xml] =
      new RegExp(`"${name}"\\s*:\\s*"([^"]+)"|<${name}>([^<]+)</${name}>`).exec(body) ?? [];
    const value = json ?? xml;
    if (!value) throw new Error(`STS named no ${name}`);
    return value;
  };
  return { account: field('Account'), arn: field('Arn'), userId: field('UserId') };
}

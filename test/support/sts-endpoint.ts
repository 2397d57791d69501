/**
 * A place that answers GetCallerIdentity as STS does: whoever signed the request (AWS Signature Version 4, query parameters)
 * with a key that is known here is named; a signature that is wrong or too old is refused. The signature is checked from
 * what came over the wire, by code of its own.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import { createCa, issueCertificate } from '../../lib/certificates/index.ts';
import { listen } from './listen.ts';

export interface Principal {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  account: string;
  arn: string;
  userId: string;
}

export interface StsEndpoint {
  url: string;
  /** What came, with what was answered. */
  asked: { path: string; status: number }[];
  /** Credentials that are taken back sign nothing any more. */
  revoke(accessKeyId: string): void;
  /** As the global one, for whoever trusts this endpoint's authority. */
  fetch: typeof fetch;
  close(): Promise<void>;
}

const longestAgeMs = 15 * 60_000;

export async function startSts(principals: readonly Principal[]): Promise<StsEndpoint> {
  const now = Date.now();
  const ca = await createCa({ commonName: 'sts-ca', validityDays: 1, now });
  const { certificate, key } = await issueCertificate(ca, {
    subject: { commonName: 'sts' },
    usages: ['server'],
    ipAddresses: ['127.0.0.1'],
    validityDays: 1,
    now,
  });
  const known = new Map(principals.map((principal) => [principal.accessKeyId, principal]));
  const asked: StsEndpoint['asked'] = [];
  const server = createServer({ cert: certificate, key }, (incoming, response) => {
    const caller = callerOf(incoming, known);
    const status = typeof caller === 'string' ? 403 : 200;
    asked.push({ path: incoming.url ?? '', status });
    const body =
      typeof caller === 'string'
        ? { Error: { Code: caller, Type: 'Sender' } }
        : {
            GetCallerIdentityResponse: {
              GetCallerIdentityResult: { Account: caller.account, Arn: caller.arn, UserId: caller.userId },
            },
          };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const port = await listen(server);
  return {
    url: `https://127.0.0.1:${port}`,
    asked,
    revoke: (accessKeyId) => known.delete(accessKeyId),
    fetch: async (input, init) =>
      await new Promise((resolve, reject) => {
        const { url } = new Request(input);
        const headers = Object.fromEntries(new Headers(init?.headers));
        const outgoing = httpsRequest(url, { headers, ca: ca.certificate, agent: false }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.once('end', () =>
            resolve(new Response(Buffer.concat(chunks), { status: incoming.statusCode ?? 500 })),
          );
        });
        outgoing.once('error', reject).end();
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The principal, or the code of STS' error. */
function callerOf(incoming: IncomingMessage, known: ReadonlyMap<string, Principal>): Principal | string {
  const url = new URL(incoming.url ?? '/', 'https://sts');
  const query = url.searchParams;
  const [accessKeyId = '', ...scope] = (query.get('X-Amz-Credential') ?? '').split('/');
  const principal = known.get(accessKeyId);
  if (!principal) return 'InvalidClientTokenId';
  if ((query.get('X-Amz-Security-Token') ?? undefined) !== principal.sessionToken)
    return 'InvalidClientTokenId';
  const date = query.get('X-Amz-Date') ?? '';
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const atMs = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
  if (!(Math.abs(Date.now() - atMs) < longestAgeMs)) return 'SignatureDoesNotMatch';
  const signedHeaders = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [
    incoming.method,
    url.pathname,
    [...query]
      .filter(([name]) => name !== 'X-Amz-Signature')
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...signedHeaders.map((name) => `${name}:${String(incoming.headers[name] ?? '').trim()}`),
    '',
    signedHeaders.join(';'),
    createHash('sha256').update('').digest('hex'),
  ].join('\n');
  const toSign = [
    'AWS4-HMAC-SHA256',
    date,
    scope.join('/'),
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const signingKey = scope.reduce<string | Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    `AWS4${principal.secretAccessKey}`,
  );
  const wanted = createHmac('sha256', signingKey).update(toSign).digest();
  const brought = Buffer.from(query.get('X-Amz-Signature') ?? '', 'hex');
  const isGood = brought.length === wanted.length && timingSafeEqual(brought, wanted);
  if (!isGood || query.get('Action') !== 'GetCallerIdentity') return 'SignatureDoesNotMatch';
  return principal;
}

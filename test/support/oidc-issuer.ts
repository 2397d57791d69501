/** An OpenID Connect provider on loopback: discovery, keys that can be changed, and a count of who asked. */
import { createServer } from 'node:https';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { createCa, issueCertificate } from '../../lib/certificates/index.ts';
import { listen } from './listen.ts';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

export interface OidcIssuer {
  url: string;
  /** PEM. */
  ca: string;
  /** Requests for the discovery document, and for keys. */
  asked: { discovery: number; keys: number };
  /** A token that is good for five minutes unless `claims` say otherwise, signed with the newest key. */
  token(claims: JWTPayload): Promise<string>;
  /** From now on another key signs, and it alone is published. */
  rotate(alg?: string): Promise<void>;
  /** 0: answers; else answers with this status. */
  fail(status: number): void;
  close(): Promise<void>;
}

export async function startOidcIssuer(audience: string, path = ''): Promise<OidcIssuer> {
  const now = Date.now();
  const ca = await createCa({ commonName: 'issuer-ca', validityDays: 1, now });
  const serving = await issueCertificate(ca, {
    subject: { commonName: 'issuer' },
    usages: ['server'],
    ipAddresses: ['127.0.0.1'],
    validityDays: 1,
    now,
  });
  let current: { pair: Pair; kid: string; alg: string };
  let published: JWK[] = [];
  let failing = 0;
  let keyNumber = 0;
  const asked = { discovery: 0, keys: 0 };
  const rotate = async (alg = 'RS256') => {
    const pair = await generateKeyPair(alg, { extractable: true });
    current = { pair, kid: `key-${++keyNumber}`, alg };
    published = [{ ...(await exportJWK(pair.publicKey)), kid: current.kid, alg, use: 'sig' }];
  };
  await rotate();
  const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const isDiscovery = request.url?.endsWith('/.well-known/openid-configuration') ?? false;
    if (isDiscovery) asked.discovery++;
    else asked.keys++;
    if (failing) return response.writeHead(failing).end();
    const body = isDiscovery ? { issuer: url, jwks_uri: `${url}/keys` } : { keys: published };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const url = `https://127.0.0.1:${await listen(server)}${path}`;
  return {
    url,
    ca: ca.certificate,
    asked,
    rotate,
    fail: (status) => {
      failing = status;
    },
    token: (claims) => {
      const seconds = Math.floor(Date.now() / 1000);
      const all = { iss: url, aud: audience, sub: 'ann', iat: seconds, exp: seconds + 300, ...claims };
      return new SignJWT(all)
        .setProtectedHeader({ alg: current.alg, kid: current.kid })
        .sign(current.pair.privateKey);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * Service account tokens: JSON Web Tokens signed with ES256 or RS256, claims as kube-apiserver writes them (API
 * reference, "TokenRequest"; KEP-1205). Whether what a token is bound to still lives is the caller's question to the API.
 */
import { createPrivateKey, createPublicKey, hash, randomUUID, sign } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { KumulusError } from '../errors.ts';
import { publicJwk, verificationKey } from './keys.ts';

/** What an object is called, and which one of that name it is. */
export interface NamedRef {
  name: string;
  uid: string;
}

export interface TokenSubject {
  namespace: string;
  serviceAccount: NamedRef;
  /** What the token dies with, beside its account. */
  pod?: NamedRef;
  secret?: NamedRef;
  node?: NamedRef;
}

export interface TokenIssuer {
  readonly issuer: string;
  issue(
    subject: TokenSubject,
    options: { audiences: readonly string[]; expirationSeconds: number; warnAfterSeconds?: number },
  ): Promise<IssuedToken>;
  /**
   * The claims of a token of this issuer for one of the audiences: the very same object for as long as it is remembered.
   * @param connection Stands for that on which it came, as long as that is open: tokens come there again and again.
   * @throws KumulusError Unauthorized
   */
  verify(token: string, audiences: readonly string[], connection?: object): Promise<VerifiedToken>;
  /** Algorithms of the tokens that it knows, for the discovery document. */
  readonly algorithms: readonly string[];
  /** The public keys, for `/openid/v1/jwks`. */
  keys(): Promise<{ keys: JWK[] }>;
}

/** A private key that somebody else keeps, who signs when asked (KEP-740): AWS KMS. */
export interface ExternalSigner {
  /** PEM, of P-256. */
  publicKey: string;
  /** The ES256 signature as JWS has it: r and s, 32 bytes each (RFC 7518 section 3.4). */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAtMs: number;
}

export interface VerifiedToken extends TokenSubject {
  /** `jti` */
  id: string;
  audiences: string[];
}

interface KubernetesClaims {
  namespace?: unknown;
  serviceaccount?: unknown;
  pod?: unknown;
  secret?: unknown;
  node?: unknown;
}

/**
 * How many tokens are remembered whose signature was found good, by their hashes: it stays good, and to check it costs
 * as much as a small write. Beside them, for each connection the token that came last on it.
 */
const maxSigned = 4096;

/** A token with a good signature. When it is good, and for whom, is looked at each time. */
interface Signed {
  payload: JWTPayload;
  claims: VerifiedToken;
}

/** Between `nbf` and `exp`, as RFC 7519 has them; in seconds. */
function isInTime({ nbf = 0, exp = 0 }: JWTPayload, nowMs: number): boolean {
  const seconds = Math.floor(nowMs / 1000);
  return nbf <= seconds && seconds < exp;
}

export function createTokenIssuer(options: {
  /** `https://kubernetes.default.svc` */
  issuer: string;
  /** PKCS#8 PEM: P-256 signs with ES256, RSA with RS256. */
  signingKey: string | ExternalSigner;
  /** PEM of further keys whose tokens are good: those that signed before, or will sign next. */
  verificationKeys?: readonly string[];
  /** Milliseconds since the epoch. */
  now: () => number;
}): TokenIssuer {
  const { issuer, now } = options;
  const { signingKey } = options;
  const signer = typeof signingKey === 'string' ? localSigner(signingKey) : signingKey;
  const signing = verificationKey(signer.publicKey);
  const known = new Map(
    [signing, ...(options.verificationKeys ?? []).map(verificationKey)].map((key) => [key.id, key]),
  );
  const signed = new Map<string, Signed>();
  const last = new WeakMap<object, { token: string; signed: Signed }>();
  /** Those that may have signed the token: one that it names, else all. */
  const candidates = (token: string) => {
    const named = known.get(keyIdOf(token));
    return named ? [named] : [...known.values()];
  };
  const check = async (token: string): Promise<JWTPayload> => {
    let failure: unknown;
    for (const { publicKey, algorithm } of candidates(token)) {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          algorithms: [algorithm],
          issuer,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'sub'],
        });
        return payload;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
  const signedOf = async (token: string): Promise<Signed> => {
    const key = hash('sha256', token, 'base64');
    const found = signed.get(key);
    if (found && isInTime(found.payload, now())) return found;
    const payload = await check(token);
    const entry = { payload, claims: readClaims(payload) };
    signed.delete(key);
    const [oldest] = signed.keys();
    if (oldest !== undefined && signed.size >= maxSigned) signed.delete(oldest);
    signed.set(key, entry);
    return entry;
  };
  const onConnection = async (token: string, connection: object): Promise<Signed> => {
    const before = last.get(connection);
    if (before?.token === token && isInTime(before.signed.payload, now())) return before.signed;
    const entry = await signedOf(token);
    last.set(connection, { token, signed: entry });
    return entry;
  };
  return {
    issuer,
    algorithms: [...new Set([...known.values()].map(({ algorithm }) => algorithm))],
    async issue(subject, { audiences, expirationSeconds, warnAfterSeconds }) {
      const nowSeconds = Math.floor(now() / 1000);
      const { namespace, serviceAccount, ...bound } = subject;
      const header = { alg: signing.algorithm, kid: signing.id };
      const claims = {
        'kubernetes.io': {
          namespace,
          ...bound,
          serviceaccount: serviceAccount,
          ...(warnAfterSeconds === undefined ? {} : { warnafter: nowSeconds + warnAfterSeconds }),
        },
        iss: issuer,
        sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
        aud: [...audiences],
        iat: nowSeconds,
        nbf: nowSeconds,
        exp: nowSeconds + expirationSeconds,
        jti: randomUUID(),
      };
      // JWS Compact Serialization (RFC 7515 section 7.1).
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
      const input = `${encode(header)}.${encode(claims)}`;
      const signature = await signer.sign(Buffer.from(input));
      const token = `${input}.${Buffer.from(signature).toString('base64url')}`;
      return { token, expiresAtMs: (nowSeconds + expirationSeconds) * 1000 };
    },
    async verify(token, audiences, connection) {
      try {
        const { payload, claims } = await (connection ? onConnection(token, connection) : signedOf(token));
        if (!audiences.some((audience) => claims.audiences.includes(audience))) {
          throw new errors.JWTClaimValidationFailed('unexpected "aud" claim value', payload, 'aud');
        }
        return claims;
      } catch (error) {
        if (error instanceof errors.JOSEError) {
          throw new KumulusError('Unauthorized', 'Unauthorized', { cause: error });
        }
        throw error;
      }
    },
    async keys() {
      return { keys: await Promise.all([...known.values()].map(publicJwk)) };
    },
  };
}

function localSigner(pem: string): ExternalSigner {
  const key = createPrivateKey(pem);
  return {
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string,
    sign: (data) => Promise.resolve(sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })),
  };
}

/** @throws JOSEError for what is no token at all */
function keyIdOf(token: string): string {
  try {
    return decodeProtectedHeader(token).kid ?? '';
  } catch (cause) {
    throw new errors.JWSInvalid('not a token', { cause });
  }
}

function readClaims(payload: JWTPayload): VerifiedToken {
  const claims = (payload['kubernetes.io'] ?? {}) as KubernetesClaims;
  const serviceAccount = namedRef(claims.serviceaccount);
  const namespace = claims.namespace;
  const subject =
    serviceAccount && typeof namespace === 'string'
      ? `system:serviceaccount:${namespace}:${serviceAccount.name}`
      : undefined;
  if (!serviceAccount || typeof namespace !== 'string' || payload.sub !== subject) {
    throw new KumulusError('Unauthorized', 'Unauthorized', {
      cause: new Error('the token does not name a service account'),
    });
  }
  const pod = namedRef(claims.pod);
  const secret = namedRef(claims.secret);
  const node = namedRef(claims.node);
  return {
    id: payload.jti ?? '',
    audiences: [payload.aud ?? []].flat(),
    namespace,
    serviceAccount,
    ...(pod && { pod }),
    ...(secret && { secret }),
    ...(node && { node }),
  };
}

function namedRef(value: unknown): NamedRef | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { name, uid } = value as { name?: unknown; uid?: unknown };
  return typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined;
}

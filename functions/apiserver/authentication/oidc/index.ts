/** Tokens of OpenID Connect providers, by an AuthenticationConfiguration (KEP-3331). */
import { hash } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { unauthorized } from '../../../../lib/api/status.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { Logger } from '../../../../lib/log.ts';
import { DecisionCache } from '../../authorization/webhook/decision-cache.ts';
import type { TokenAuthenticator } from '../../pipeline/authentication.ts';
import { meantFor } from '../union.ts';
import { userOfClaims } from './claims.ts';
import type { JwtAuthenticator } from './config.ts';
import { type IssuerKeys, issuerKeys, type KeySet } from './keys.ts';

export type { JwtAuthenticator } from './config.ts';

/** Each with a key pair: a public key can never be taken for a secret that both sides know. */
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];
const longestToken = 64 * 1024;
/** `nbf` alone: clocks differ by some of it. */
const skewSeconds = 60;
/** How long, and of how many tokens, the user is remembered: to check a signature costs more than most requests. */
const rememberedMs = 10_000;
const maxRemembered = 4096;

export function oidcTokens(
  authenticator: JwtAuthenticator,
  apiAudiences: readonly string[],
  deps: { clock: Clock; log: Logger; signal: AbortSignal },
): TokenAuthenticator {
  const { clock, log } = deps;
  const { url, audiences } = authenticator.issuer;
  const keys = issuerKeys(authenticator.issuer, deps);
  const remembered = new DecisionCache<UserInfo>(clock, maxRemembered);

  return meantFor(apiAudiences, async (token) => {
    // Anybody's claim, and good for one thing: who of several is to look at the token.
    if (token.length > longestToken || issuerOf(token) !== url) return undefined;
    const key = hash('sha256', token, 'base64');
    const known = remembered.get(key);
    if (known) return known;
    try {
      const nowMs = clock.now();
      const claims = await verify(token, keys, {
        algorithms,
        issuer: url,
        audience: [...audiences],
        currentDate: new Date(nowMs),
        clockTolerance: skewSeconds,
        requiredClaims: ['exp'],
      });
      const leftMs = (claims.exp ?? 0) * 1000 - nowMs;
      if (leftMs <= 0) throw new Error('expired');
      const user = userOfClaims(authenticator, claims);
      remembered.set(key, user, Math.min(rememberedMs, leftMs));
      return user;
    } catch (error) {
      const { cause } = error as Error;
      const because = cause instanceof Error ? { cause: cause.message } : {};
      log.info({ issuer: url, reason: messageOf(error), ...because }, 'a token of an issuer was refused');
      throw unauthorized();
    }
  });
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    // No JSON Web Token: somebody else's.
    return undefined;
  }
}

/** Once more with new keys where those that are known do not fit: the issuer may have changed them. */
async function verify(token: string, keys: IssuerKeys, options: JWTVerifyOptions): Promise<JWTPayload> {
  const current = await keys.current();
  try {
    return await verifyWith(token, current, options);
  } catch (error) {
    const mayHelp =
      error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
    const renewed = mayHelp ? await keys.renewed() : undefined;
    if (!renewed) throw error;
    return await verifyWith(token, renewed, options);
  }
}

async function verifyWith(token: string, keys: KeySet, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Who is let in: what is built of the options, in upstream's order (local before remote, OIDC after service accounts). */
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { TokenIssuer } from '../../../lib/tokens/index.ts';
import type { Authentication, TokenAuthenticator } from '../pipeline/authentication.ts';
import { type AnonymousAuth, anonymousPaths } from './anonymous.ts';
import { bootstrapTokens } from './bootstrap-tokens.ts';
import type { BoundObjects } from './bound-objects.ts';
import { type JwtAuthenticator, oidcTokens } from './oidc/index.ts';
import { serviceAccountTokens } from './service-accounts.ts';
import { type StaticTokens, staticTokens } from './token-file.ts';
import { firstToKnow } from './union.ts';

export interface AuthenticationOptions {
  /** Default: for the public paths alone. */
  anonymous?: AnonymousAuth;
  staticTokens?: StaticTokens;
  /** Providers of OpenID Connect, by an AuthenticationConfiguration. */
  jwt?: readonly JwtAuthenticator[];
}

export function createAuthentication(
  options: AuthenticationOptions,
  deps: {
    tokens: TokenIssuer;
    bound: Pick<BoundObjects, 'lives'>;
    cache: WatchCache;
    clock: Clock;
    log: Logger;
    signal: AbortSignal;
    /** Asked before all others. */
    first: readonly TokenAuthenticator[];
  },
): Authentication {
  const apiAudiences = [deps.tokens.issuer];
  return {
    tokens: firstToKnow([
      ...deps.first,
      ...(options.staticTokens ? [staticTokens(options.staticTokens, apiAudiences)] : []),
      serviceAccountTokens(deps.tokens, deps.bound),
      bootstrapTokens(apiAudiences, deps),
      ...(options.jwt ?? []).map((one) => oidcTokens(one, apiAudiences, deps)),
    ]),
    allowsAnonymous: anonymousPaths(options.anonymous),
  };
}

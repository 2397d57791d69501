import { isKind } from '../../../lib/errors.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import type { TokenAuthenticator } from '../pipeline/authentication.ts';

/**
 * Asks one authenticator after the other until one knows the token's user. One that refuses a token as bad does not keep
 * the others from being asked: it may be meant for them.
 */
export function firstToKnow(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async authenticate(token, audiences, connection) {
      for (const authenticator of authenticators) {
        try {
          const found = await authenticator.authenticate(token, audiences, connection);
          if (found) return found;
        } catch (error) {
          if (!isKind(error, 'Unauthorized')) throw error;
        }
      }
      return undefined;
    },
  };
}

/**
 * For tokens that do not say themselves whom they are meant for: they are meant for the API server, and for nobody else
 * (API reference, "TokenReview", `spec.audiences`).
 */
export function meantFor(
  apiAudiences: readonly string[],
  authenticate: (token: string) => Promise<UserInfo | undefined>,
): TokenAuthenticator {
  return {
    async authenticate(token, asked = apiAudiences) {
      const audiences = asked.filter((audience) => apiAudiences.includes(audience));
      if (audiences.length === 0) return undefined;
      const user = await authenticate(token);
      return user && { user, audiences };
    },
  };
}

import { isKind } from '../../../lib/errors.ts';
import type { TokenAuthenticator } from './authentication.ts';

/**
 * Asks one authenticator after the other until one knows the token's user. One that refuses a token as bad does not keep
 * the others from being asked: it may be meant for them.
 */
export function firstToKnow(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async authenticate(token, audiences) {
      for (const authenticator of authenticators) {
        try {
          const found = await authenticator.authenticate(token, audiences);
          if (found) return found;
        } catch (error) {
          if (!isKind(error, 'Unauthorized')) throw error;
        }
      }
      return undefined;
    },
  };
}

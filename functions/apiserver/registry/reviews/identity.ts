/** TokenReview and SelfSubjectReview: who someone is to this API server. */
import type { SelfSubjectReview, TokenReview } from '../../../../lib/api/gen/types.ts';
import { badRequest } from '../../../../lib/api/status.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import { type AuthenticatedToken, withAuthenticatedGroup } from '../../pipeline/authentication.ts';
import type { Backend } from '../backend.ts';
import type { Answer } from './index.ts';

/** KEP-3325; `kubectl auth whoami`. */
export const answerIdentity: Answer<SelfSubjectReview> = (review, { clock }, { user }) => {
  review.metadata.creationTimestamp = rfc3339(clock.now());
  review.status = { userInfo: structuredClone(user) };
  return Promise.resolve();
};

/** The token stays out of every message. */
export const answerToken: Answer<TokenReview> = async (review, backend) => {
  const { token, audiences } = review.spec;
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const found = await authenticate(backend, token, audiences);
  review.status = found
    ? {
        authenticated: true,
        user: structuredClone(withAuthenticatedGroup(found.user)),
        audiences: found.audiences,
      }
    : { user: {}, error: 'invalid bearer token' };
};

async function authenticate(
  { authenticator }: Backend,
  token: string,
  audiences: readonly string[] | undefined,
): Promise<AuthenticatedToken | undefined> {
  try {
    return await authenticator.authenticate(token, audiences?.length ? audiences : undefined);
  } catch (error) {
    if (isKind(error, 'Unauthorized')) return undefined;
    throw error;
  }
}

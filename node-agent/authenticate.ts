import { createHash } from 'node:crypto';
import type { KubeClient } from '../lib/client/port.ts';
import { tokenReviews } from '../lib/client/resources.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { UserInfo } from '../lib/http/types.ts';
import type { Logger } from '../lib/log.ts';

/** Shorter than kubelet's two minutes: a token that is taken back opens nothing for longer. */
const rememberedMs = 10_000;
const maxRemembered = 1_000;

/**
 * Whose a bearer token is, as the API server answers a TokenReview (Kubelet authentication/authorization). Remembered by
 * its digest for ten seconds. No answer is nobody.
 */
export function createTokenReviewer(
  client: KubeClient,
  { clock, log }: { clock: Clock; log: Logger },
): (token: string) => Promise<UserInfo | undefined> {
  const remembered = new Map<string, { user: UserInfo | undefined; untilMs: number }>();

  return async (token) => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = remembered.get(key);
    if (known && clock.now() < known.untilMs) return known.user;
    try {
      const { status } = await client.create(tokenReviews, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: {},
        spec: { token },
      });
      const user = status?.authenticated ? userOf(status.user) : undefined;
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.set(key, { user, untilMs: clock.now() + rememberedMs });
      return user;
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'nobody could say whose a token is');
      return undefined;
    }
  };
}

function userOf({ username, uid, groups = [], extra }: Partial<UserInfo> = {}): UserInfo | undefined {
  if (!username) return undefined;
  return { username, ...(uid && { uid }), groups, ...(extra && { extra }) };
}

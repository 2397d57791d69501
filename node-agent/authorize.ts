import type { KubeClient } from '../lib/client/port.ts';
import { subjectAccessReviews } from '../lib/client/resources.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { UserInfo } from '../lib/http/types.ts';
import type { Logger } from '../lib/log.ts';
import type { NodeAccess } from './server/identity.ts';

/** kubelet's webhook cache: how long a yes and a no are believed. */
const allowedMs = 300_000;
const deniedMs = 30_000;
const maxRemembered = 1_000;

/**
 * Decides who may use the node's API (Kubelet authentication/authorization): members of `system:masters` always, everyone
 * else as the API server answers a SubjectAccessReview on one of the Node's subresources. No answer is a no.
 */
export function createAuthorizer(
  client: KubeClient,
  nodeName: string,
  { clock, log }: { clock: Clock; log: Logger },
): (user: UserInfo, access: NodeAccess) => Promise<boolean> {
  const remembered = new Map<string, { allowed: boolean; untilMs: number }>();

  async function ask(user: UserInfo, verb: string, subresource: string): Promise<boolean> {
    const key = JSON.stringify([user.username, user.uid, user.groups, user.extra, verb, subresource]);
    const known = remembered.get(key);
    if (known && clock.now() < known.untilMs) return known.allowed;
    const { status } = await client.create(subjectAccessReviews, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec: {
        user: user.username,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
        resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
      },
    });
    const allowed = status?.allowed ?? false;
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(key, { allowed, untilMs: clock.now() + (allowed ? allowedMs : deniedMs) });
    return allowed;
  }

  return async (user, { verb, subresources }) => {
    if (user.groups.includes('system:masters')) return true;
    try {
      for (const subresource of subresources) if (await ask(user, verb, subresource)) return true;
      return false;
    } catch (error) {
      log.warn(
        { err: messageOf(error), user: user.username },
        'nobody could say whether a user may use this node',
      );
      return false;
    }
  };
}

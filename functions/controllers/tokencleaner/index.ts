import { secrets } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { isBootstrapToken, tokenExpiresAtMs } from '../common/bootstrap-tokens.ts';
import { watchOf } from '../common/watch.ts';
import { keyOf, splitKey } from '../../../lib/api/object.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';

/** Deletes bootstrap tokens when they expire. */
export const tokenCleanerController: ControllerEntry = {
  name: 'tokencleaner',
  component: 'token-cleaner',
  create,
};

function create({ client, clock, lister }: ControllerContext): Controller {
  const all = lister(secrets);

  async function reconcile(key: string): Promise<Result> {
    const secret = all.get(key);
    if (!secret || !isBootstrapToken(secret) || secret.metadata.deletionTimestamp) return done;
    const expiresAtMs = tokenExpiresAtMs(secret);
    if (expiresAtMs === undefined) return done;
    const leftMs = expiresAtMs - clock.now();
    if (leftMs > 0) return requeueAfter(leftMs);
    const { namespace, name } = splitKey(key);
    const { uid, resourceVersion } = secret.metadata;
    try {
      // As it was seen: a token that was given a longer life meanwhile stays.
      await client.delete(secrets, { namespace, name }, { preconditions: { uid, resourceVersion } });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  return {
    name: 'tokencleaner',
    watches: [watchOf(secrets, ({ after }) => (after && isBootstrapToken(after) ? [keyOf(after)] : []))],
    reconcile,
  };
}

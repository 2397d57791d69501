import { podCertificateRequests } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';

/** Upstream's: whoever asked has the answer by then, or asks again. */
const keptMs = 30 * 60_000;

/** Deletes requests for pods' certificates half an hour after they were made, however they were answered (KEP-4317). */
export const podCertificateRequestCleanerController: ControllerEntry = {
  name: 'podcertificaterequestcleaner',
  component: 'podcertificaterequestcleaner',
  create,
};

function create({ client, clock, lister }: ControllerContext): Controller {
  const all = lister(podCertificateRequests);

  async function reconcile(key: string): Promise<Result> {
    const request = all.get(key);
    if (!request || request.metadata.deletionTimestamp) return done;
    const { namespace, name, uid, creationTimestamp } = request.metadata;
    const leftMs = Date.parse(creationTimestamp) + keptMs - clock.now();
    if (leftMs > 0) return requeueAfter(leftMs);
    try {
      await client.delete(podCertificateRequests, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  return {
    name: 'podcertificaterequestcleaner',
    watches: [watchOf(podCertificateRequests, ownKey)],
    reconcile,
  };
}

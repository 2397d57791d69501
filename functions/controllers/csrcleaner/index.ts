import type { CertificateSigningRequest } from '../../../lib/api/gen/types.ts';
import { certificateSigningRequests } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { conditionOf } from '../common/signing-requests.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';

const hourMs = 60 * 60_000;
/** How long what was answered is kept for whoever asked to fetch it, and what nobody answered for whoever may. */
const answeredMs = hourMs;
const pendingMs = 24 * hourMs;

/** Deletes requests that are over, after upstream's times. */
export const csrCleanerController: ControllerEntry = {
  name: 'csrcleaner',
  component: 'certificate-controller',
  create,
};

function create({ client, clock, lister }: ControllerContext): Controller {
  const all = lister(certificateSigningRequests);

  async function reconcile(name: string): Promise<Result> {
    const request = all.get(name);
    if (!request || request.metadata.deletionTimestamp) return done;
    const leftMs = (await dueMs(request)) - clock.now();
    if (leftMs > 0) return requeueAfter(leftMs);
    const { uid, resourceVersion } = request.metadata;
    try {
      // As it was seen: one that was answered meanwhile stays for its hour.
      const preconditions = { uid, resourceVersion };
      await client.delete(certificateSigningRequests, { name }, { preconditions });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  return { name: 'csrcleaner', watches: [watchOf(certificateSigningRequests, ownKey)], reconcile };
}

/** When it is to go, in milliseconds since the epoch. */
async function dueMs(request: CertificateSigningRequest): Promise<number> {
  const answers = (['Approved', 'Denied', 'Failed'] as const).flatMap(
    (type) => conditionOf(request, type) ?? [],
  );
  const { certificate } = request.status ?? {};
  if (answers.length === 0) return Date.parse(request.metadata.creationTimestamp ?? '') + pendingMs;
  const times = answers.map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '') + answeredMs);
  if (!certificate) return Math.min(...times);
  // What reads certificates is loaded with the first of them.
  const { expiryOf } = await import('../../../lib/certificates/index.ts');
  return Math.min(...times, expiryOf(Buffer.from(certificate, 'base64').toString()));
}

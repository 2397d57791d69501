import type { CertificateSigningRequest } from '../../../lib/api/gen/types.ts';
import { certificateSigningRequests } from '../../../lib/client/resources.ts';
import { signers } from '../../../lib/certificates/signers.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { conditionOf, parsedRequest, withCondition } from '../common/signing-requests.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

const known: readonly string[] = Object.values(signers);

/** Signs what was approved for one of the cluster's own signers. */
export const csrSigningController: ControllerEntry = {
  name: 'csrsigning',
  component: 'certificate-controller',
  create,
};

function create({ client, clock, lister, cluster }: ControllerContext): Controller {
  const all = lister(certificateSigningRequests);

  async function sign(request: CertificateSigningRequest): Promise<CertificateSigningRequest | undefined> {
    const { signerName, usages = [], expirationSeconds } = request.spec;
    // Loaded with the first request.
    const [{ problemFor }, { signRequest, validityOf }] = await Promise.all([
      import('../../../lib/certificates/kubelet.ts'),
      import('../../../lib/certificates/sign.ts'),
    ]);
    const parsed = await parsedRequest(request);
    const problem = problemFor(signerName, parsed, usages);
    const now = clock.now();
    if (problem !== undefined) {
      return withCondition(request, {
        type: 'Failed',
        status: 'True',
        reason: 'SignerValidationFailure',
        message: problem,
        lastUpdateTime: rfc3339(now),
      });
    }
    if (!cluster.signer) return undefined;
    const validityMs = validityOf(expirationSeconds, cluster.signingDurationMs);
    const certificate = await signRequest(cluster.signer, parsed, { usages, validityMs, now });
    const status = { ...request.status, certificate: Buffer.from(certificate).toString('base64') };
    return { ...request, status };
  }

  async function reconcile(name: string): Promise<Result> {
    const request = all.get(name);
    if (!request || !known.includes(request.spec.signerName)) return done;
    if (!conditionOf(request, 'Approved') || conditionOf(request, 'Failed')) return done;
    if (conditionOf(request, 'Denied') || request.status?.certificate) return done;
    const signed = await sign(request);
    if (signed) await client.update(certificateSigningRequests, signed, { subresource: 'status' });
    return done;
  }

  return { name: 'csrsigning', watches: [watchOf(certificateSigningRequests, ownKey)], reconcile };
}

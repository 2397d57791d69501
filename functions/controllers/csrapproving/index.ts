import type { CertificateSigningRequest } from '../../../lib/api/gen/types.ts';
import { signers } from '../../../lib/certificates/signers.ts';
import {
  certificateSigningRequests,
  endpointSlices,
  nodes,
  services,
  subjectAccessReviews,
} from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { conditionOf, parsedRequest, withCondition } from '../common/signing-requests.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';

/** A no may become a yes: a role that is bound later, a Node that says its addresses later, or is just being seen. */
const again = { firstMs: 1_000, laterMs: 30_000, firstForMs: 60_000 };

/** Loaded with the first request. */
const kubeletRules = () => import('../../../lib/certificates/kubelet.ts');

/**
 * Approves what nodes ask for: a client certificate where whoever asks may create `nodeclient` (bootstrappers), or
 * `selfnodeclient` for its own name (renewal), and a serving certificate for a node's own name and addresses.
 */
export const csrApprovingController: ControllerEntry = {
  name: 'csrapproving',
  component: 'certificate-controller',
  create,
};

function create({ client, clock, lister, log }: ControllerContext): Controller {
  const all = lister(certificateSigningRequests);
  const allNodes = lister(nodes);
  const allServices = lister(services);
  const allSlices = lister(endpointSlices);

  async function isAllowed({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const { username: user, uid, groups, extra } = spec;
    const review = await client.create(subjectAccessReviews, {
      metadata: {},
      spec: {
        user,
        ...(uid && { uid }),
        ...(groups && { groups }),
        ...(extra && { extra }),
        resourceAttributes: {
          group: 'certificates.k8s.io',
          resource: 'certificatesigningrequests',
          verb: 'create',
          version: '*',
          subresource,
        },
      },
    });
    return review.status?.allowed ?? false;
  }

  function lookAgain({ metadata }: CertificateSigningRequest): Result {
    const ageMs = clock.now() - Date.parse(metadata.creationTimestamp ?? '');
    return requeueAfter(ageMs < again.firstForMs ? again.firstMs : again.laterMs);
  }

  async function approve(request: CertificateSigningRequest, message: string): Promise<void> {
    const approved = withCondition(request, {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message,
      lastUpdateTime: rfc3339(clock.now()),
    });
    await client.update(certificateSigningRequests, approved, { subresource: 'approval' });
  }

  async function considerClient(request: CertificateSigningRequest): Promise<Result> {
    const { commonNameOf } = await kubeletRules();
    const isSelf = request.spec.username === commonNameOf(await parsedRequest(request));
    if (isSelf && (await isAllowed(request, 'selfnodeclient'))) {
      await approve(request, 'Auto approving self kubelet client certificate after SubjectAccessReview.');
      return done;
    }
    if (await isAllowed(request, 'nodeclient')) {
      await approve(request, 'Auto approving kubelet client certificate after SubjectAccessReview.');
      return done;
    }
    const tried = [...(isSelf ? ['selfnodeclient'] : []), 'nodeclient'];
    log.info({ csr: request.metadata.name, tried }, 'recognized, but the subject access review said no');
    return lookAgain(request);
  }

  async function considerServing(request: CertificateSigningRequest): Promise<Result> {
    const { mayServeAs } = await import('./serving.ts');
    const problem = mayServeAs(request.spec, await parsedRequest(request), {
      nodes: allNodes.list(),
      apiServer: [
        allServices.get('default/kubernetes')?.spec?.clusterIPs ?? [],
        (allSlices.get('default/kubernetes')?.endpoints ?? []).flatMap(({ addresses }) => addresses),
      ].flat(),
    });
    if (problem === undefined) {
      await approve(
        request,
        "Auto approving kubelet serving certificate for the node's own name and addresses.",
      );
      return done;
    }
    log.info({ csr: request.metadata.name, reason: problem }, 'a serving certificate is not approved');
    return lookAgain(request);
  }

  async function reconcile(name: string): Promise<Result> {
    const request = all.get(name);
    if (!request || request.status?.certificate) return done;
    if (conditionOf(request, 'Approved') || conditionOf(request, 'Denied')) return done;
    const { signerName, usages = [] } = request.spec;
    if (signerName !== signers.kubeletClient && signerName !== signers.kubeletServing) return done;
    const { problemFor } = await kubeletRules();
    if (problemFor(signerName, await parsedRequest(request), usages) !== undefined) return done;
    return await (signerName === signers.kubeletClient ? considerClient : considerServing)(request);
  }

  return { name: 'csrapproving', watches: [watchOf(certificateSigningRequests, ownKey)], reconcile };
}

/**
 * Which certificates a node may ask for (KEP-4317): those of the pods that run on it, under their own names, from signers
 * that they name. Signers go by what the request says.
 */
import type { Node, Pod, PodCertificateRequest, ServiceAccount } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { KumulusError } from '../../../../lib/errors.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Authorizer } from '../../authorization/port.ts';
import { mirrorAnnotation } from '../../authorization/node/uses.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import { current } from '../common.ts';

interface Parts {
  cache: WatchCache;
  authorizer: Authorizer;
}

/** Why it may not; undefined when it may. @throws KumulusError InternalError for what may be otherwise in a moment */
export async function admitPodCertificateRequest(
  { cache, authorizer }: Parts,
  node: string,
  attributes: AdmissionAttributes,
): Promise<string | undefined> {
  const { operation, subresource, namespace } = attributes;
  if (operation !== 'CREATE') return `unexpected operation ${operation}`;
  if (subresource !== '') return `unexpected subresource ${subresource}`;
  const { spec } = attributes.object as unknown as PodCertificateRequest;
  const podName = `${namespace}/${spec.podName}`;
  const wants = `PodCertificateRequest for pod ${quote(podName)}`;
  if (spec.nodeName !== node) {
    return `PodCertificateRequest.Spec.NodeName=${quote(spec.nodeName)}, which is not the requesting node ${quote(node)}`;
  }
  const { uid: nodeUid } = (await find<Node>(cache, 'node', 'nodes', spec.nodeName)).metadata;
  if (nodeUid !== spec.nodeUID) {
    throw stale(
      `${wants} names node UID ${quote(spec.nodeUID)}, inconsistent with the running node (${quote(nodeUid ?? '')})`,
    );
  }
  const pod = await find<Pod>(cache, 'pod', 'pods', podName);
  if (pod.metadata.uid !== spec.podUID) {
    const running = quote(pod.metadata.uid ?? '');
    throw stale(
      `${wants} contains pod UID (${quote(spec.podUID)}) which differs from running pod ${running}`,
    );
  }
  if (pod.spec.nodeName !== spec.nodeName) {
    return `pod ${quote(podName)} is not running on node ${quote(spec.nodeName)} named in the PodCertificateRequest`;
  }
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return `pod ${quote(podName)} is a mirror pod`;
  }
  const { serviceAccountName = '' } = pod.spec;
  if (spec.serviceAccountName !== serviceAccountName) {
    return `${wants} contains serviceAccountName (${quote(spec.serviceAccountName)}) that differs from running pod (${quote(serviceAccountName)})`;
  }
  const account = `${namespace}/${serviceAccountName}`;
  const { uid } = (await find<ServiceAccount>(cache, 'service account', 'serviceaccounts', account)).metadata;
  if (uid !== spec.serviceAccountUID) {
    throw stale(
      `${wants} names service account UID ${quote(spec.serviceAccountUID)}, which differs from the running service account (${quote(uid ?? '')})`,
    );
  }
  if (mounts(pod, spec.signerName) || (await mayRequest(authorizer, attributes, spec.signerName))) return;
  return `pod ${quote(podName)} does not mount a podCertificate projected volume source with signer name ${quote(spec.signerName)}`;
}

async function find<T extends KubeObject>(
  cache: WatchCache,
  what: string,
  storage: string,
  key: string,
): Promise<T> {
  const found = await current<T>(cache, storage, key);
  if (found) return found;
  throw stale(`while retrieving ${what} ${quote(key)} named in the PodCertificateRequest: it is not there`);
}

/** Upstream answers so what a cache that is behind may be wrong about, for the node to ask again. */
function stale(message: string): KumulusError {
  return new KumulusError('InternalError', message);
}

function mounts(pod: Pod, signerName: string): boolean {
  const sources = (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  return sources.some(({ podCertificate }) => podCertificate?.signerName === signerName);
}

async function mayRequest(
  authorizer: Authorizer,
  { user, namespace }: AdmissionAttributes,
  signerName: string,
): Promise<boolean> {
  const { decision } = await authorizer.authorize({
    user,
    verb: 'request-podcertificate-signer',
    isResourceRequest: true,
    path: '',
    apiGroup: '',
    apiVersion: '*',
    namespace,
    resource: signerName,
    subresource: '',
    name: '',
  });
  return decision === 'allow';
}

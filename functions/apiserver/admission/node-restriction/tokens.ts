/**
 * Which tokens a node may ask for: bound to a pod that runs on it, and meant for whom that pod's volumes name. Whatever
 * believes tokens beside the API server is thus safe from a node that runs none of its clients.
 */
import type {
  AuthenticationV1TokenRequest,
  CSIDriver,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Volume,
} from '../../../../lib/api/gen/types.ts';
import { notFound } from '../../../../lib/api/status.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Authorizer } from '../../authorization/port.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import { current } from '../common.ts';

/** The driver that volumes of the kind `azureFile` are mounted by. */
const azureFileDriver = 'file.csi.azure.com';

/** Why it may not; undefined when it may. @throws KumulusError NotFound */
export async function admitToken(
  { cache, authorizer }: { cache: WatchCache; authorizer: Authorizer },
  node: string,
  attributes: AdmissionAttributes,
): Promise<string | undefined> {
  const { operation, subresource, object, namespace } = attributes;
  if (operation !== 'CREATE' || subresource !== 'token') return undefined;
  const { boundObjectRef: ref, audiences = [] } = (object as unknown as AuthenticationV1TokenRequest).spec;
  if (!ref || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) {
    return 'node requested token not bound to a pod';
  }
  if (!ref.uid) return 'node requested token with a pod binding without a uid';
  const pod = await current<Pod>(cache, 'pods', `${namespace}/${ref.name}`);
  if (!pod) throw notFound({ group: '', resource: 'pods' }, ref.name);
  if (ref.uid !== pod.metadata.uid) {
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  if (pod.spec.nodeName !== node) return 'node requested token bound to a pod scheduled on a different node';
  return await admitAudience({ cache, authorizer }, attributes, pod, audiences);
}

async function admitAudience(
  { cache, authorizer }: { cache: WatchCache; authorizer: Authorizer },
  { user, namespace, name }: AdmissionAttributes,
  pod: Pod,
  audiences: readonly string[],
): Promise<string | undefined> {
  const [audience = '', ...others] = audiences;
  if (others.length > 0) return 'node may only request 0 or 1 audiences';
  for (const volume of pod.spec.volumes ?? []) {
    if (await wants(cache, pod, volume, audience)) return undefined;
  }
  const { decision } = await authorizer.authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    isResourceRequest: true,
    apiGroup: '',
    apiVersion: 'v1',
    namespace,
    resource: audience,
    subresource: '',
    name,
    path: '',
  });
  if (decision === 'allow') return undefined;
  return `audience ${quote(audience)} not found in pod spec volume, ${user.username} is not authorized to request tokens for this audience`;
}

/** Whether the volume is one that a token for the audience is written into, or handed to the driver of. */
async function wants(cache: WatchCache, pod: Pod, volume: Volume, audience: string): Promise<boolean> {
  const sources = volume.projected?.sources ?? [];
  if (sources.some(({ serviceAccountToken: token }) => token && (token.audience ?? '') === audience))
    return true;
  const driver =
    volume.csi?.driver ?? (volume.azureFile ? azureFileDriver : await driverOfClaim(cache, pod, volume));
  if (driver === undefined) return false;
  const found = await current<CSIDriver>(cache, 'storage.k8s.io/csidrivers', driver);
  return (found?.spec.tokenRequests ?? []).some((request) => request.audience === audience);
}

async function driverOfClaim(
  cache: WatchCache,
  { metadata }: Pod,
  { name, persistentVolumeClaim, ephemeral }: Volume,
): Promise<string | undefined> {
  const claimName = persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
  if (!claimName) return undefined;
  const key = `${metadata.namespace}/${claimName}`;
  const claim = await current<PersistentVolumeClaim>(cache, 'persistentvolumeclaims', key);
  // Of a claim of an ephemeral volume the name alone is no proof that it is the pod's.
  const isPods = claim?.metadata.ownerReferences?.some(
    ({ uid, controller }) => controller && uid === metadata.uid,
  );
  if (!claim?.spec.volumeName || (ephemeral && !isPods)) return undefined;
  const volume = await current<PersistentVolume>(cache, 'persistentvolumes', claim.spec.volumeName);
  return volume?.spec.csi?.driver ?? (volume?.spec.azureFile && azureFileDriver);
}

import type {
  Pod,
  PodResourceClaim,
  ResourceClaimTemplate,
  ResourceV1ResourceClaim,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { Resource } from '../../../lib/client/port.ts';

export type Claim = Persisted<ResourceV1ResourceClaim>;

export const resourceClaims = of<ResourceV1ResourceClaim>('resourceclaims', 'ResourceClaim');
export const resourceClaimTemplates = of<ResourceClaimTemplate>(
  'resourceclaimtemplates',
  'ResourceClaimTemplate',
);

/** Which of a pod's claims a generated one is: its name says nothing reliable. */
const podClaimName = 'resource.kubernetes.io/pod-claim-name';
/** Held by the scheduler while devices are allocated. */
export const allocationFinalizer = 'resource.kubernetes.io/delete-protection';
const maxNameLength = 253 - 10;

/** The claim that is made for a pod from a template. Its name is the server's to choose. */
export function claimFrom(
  template: ResourceClaimTemplate,
  { metadata }: Persisted<Pod>,
  { name }: PodResourceClaim,
): ResourceV1ResourceClaim {
  const { metadata: its, spec } = template.spec;
  const owner = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid };
  return {
    metadata: {
      namespace: metadata.namespace,
      generateName: `${`${metadata.name}-${name}`.slice(0, maxNameLength)}-`,
      labels: its?.labels,
      annotations: { ...its?.annotations, [podClaimName]: name },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec,
  };
}

export function isMadeFor({ metadata }: Claim, pod: Persisted<Pod>, { name }: PodResourceClaim): boolean {
  return ownerOf({ metadata })?.uid === pod.metadata.uid && metadata.annotations?.[podClaimName] === name;
}

/** The pod that a claim was made for. */
export function ownerOf({ metadata }: Pick<ResourceV1ResourceClaim, 'metadata'>) {
  return metadata.ownerReferences?.find(({ kind, controller }) => kind === 'Pod' && controller);
}

/** Whether the pod will not use its devices any more. */
export function isDone({ metadata, spec, status }: Pod): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true;
  return metadata.deletionTimestamp !== undefined && !spec.nodeName;
}

/** Keys of the claims that a pod has, by name or from templates. */
export function claimKeysOf({ metadata, spec, status }: Pod): string[] {
  const names = (spec.resourceClaims ?? []).map(
    ({ name, resourceClaimName }) =>
      resourceClaimName ?? status?.resourceClaimStatuses?.find((one) => one.name === name)?.resourceClaimName,
  );
  return names.filter((name) => name !== undefined).map((name) => `${metadata.namespace}/${name}`);
}

function of<T extends ResourceV1ResourceClaim | ResourceClaimTemplate>(
  plural: string,
  kind: string,
): Resource<T> {
  return { group: 'resource.k8s.io', version: 'v1', plural, kind, namespaced: true };
}
